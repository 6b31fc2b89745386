// SPDX-License-Identifier: Apache-2.0
// client.mjs -- what Node's clients do on the wire, with the fetch that Node 18 has.
//
//     node client.mjs BASE KEY FILE_URL WEBHOOK_URL <base64 of a PNG of 16x12
//
// Run by clients.py. Prints "ok ..." or "not ok ..." for each thing that is looked at.
import { text } from 'node:stream/consumers'

const [base, key, fileUrl, webhookUrl] = process.argv.slice(2)
const png = (await text(process.stdin)).trim()

class ClientError extends Error {
  constructor (status, message) {
    super(message)
    this.status = status
  }
}

async function post (body, more = {}, apiKey = key) {
  const response = await fetch(`${base}/image-transformation/v1/transform`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${apiKey}`, 'Content-Type': 'application/json', ...more },
    body: JSON.stringify(body)
  })
  const value = await response.json()
  if (!response.ok) throw new ClientError(response.status, value.error)
  return value
}

// The earlier generation: no type, and the buffer stays base64.
const earlier = { transform: async (input) => (await post(input)).data }

// Today's: a type, a header, and the buffer as a Uint8Array.
class Today {
  constructor ({ apiKey, baseUrl }) {
    Object.assign(this, { apiKey, baseUrl })
  }

  send (body) {
    return post(body, { 'X-IterationLayer-Integration': 'sdk-node' }, this.apiKey)
  }

  async transformImage ({ file, operations }) {
    const { data } = await this.send({ file, operations })
    return { buffer: new Uint8Array(Buffer.from(data.buffer, 'base64')), mimeType: data.mime_type }
  }

  async transformImageAsync ({ file, operations, webhookUrl }) {
    return this.send({ file, operations, webhook_url: webhookUrl })
  }
}

function look (what, good) {
  console.log(`${good ? '' : 'not '}ok ${what}`)
}

// Width and height of a PNG.
function sizeOf (bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  return view.getUint32(0) === 0x89504e47 ? `${view.getUint32(16)}x${view.getUint32(20)}` : 'no PNG'
}

async function refused (what, status, sentence, call) {
  try {
    await call()
    look(`${what}: it is refused`, false)
  } catch (error) {
    look(`${what}: ${error.status} ${error.message}`,
      error.status === status && error.message === sentence)
  }
}

const operations = [{ type: 'upscale', factor: 2 }]
const file = { type: 'base64', name: 'photo.png', base64: png }
const client = new Today({ apiKey: key, baseUrl: base })

const first = await earlier.transform({ file: { name: 'photo.png', base64: png }, operations })
look('transform(): the buffer is text', typeof first.buffer === 'string')
look('transform(): the picture is twice as large',
  sizeOf(new Uint8Array(Buffer.from(first.buffer, 'base64'))) === '32x24')

const second = await client.transformImage({ file, operations })
look('transformImage(): the picture is twice as large', sizeOf(second.buffer) === '32x24')
look('transformImage(): the MIME type', second.mimeType === 'image/png')

const third = await client.transformImage({ file: { type: 'url', url: fileUrl }, operations })
look('transformImage(): the picture of a URL is twice as large', sizeOf(third.buffer) === '32x24')

const parts = await Promise.all([2, 3, 4].map(factor =>
  client.transformImage({ file, operations: [{ type: 'upscale', factor }] })))
look('transformImage(): three at once',
  parts.map(p => sizeOf(p.buffer)).join() === '32x24,48x36,64x48')

const later = await client.transformImageAsync({ file, operations, webhookUrl })
look('transformImageAsync(): it is accepted', later.success && later.async === true)

await refused('a wrong key', 401, 'Invalid API key',
  () => new Today({ apiKey: 'il_wrong', baseUrl: base }).transformImage({ file, operations }))
await refused('no file', 400, 'file is missing', () => client.transformImage({ operations }))
