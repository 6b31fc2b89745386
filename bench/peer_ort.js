#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// peer_ort.js -- time ONNX Runtime on one picture, one run for each line that is asked for.
//
// usage: peer_ort.js NETWORK.onnx WIDTH HEIGHT PICTURE [--threads N] [--dump FILE]
//
// Speaks like bench_engine: JSON that says what this is, then a line of seconds for each line
// read, then at the end of input JSON with the peak of this process's memory. The picture and the
// result that --dump writes are raw float32, plane after plane.
//
// All of its graph optimisations are on. The result goes into memory that is taken once: else its
// size would depend on when the garbage collector comes. Needs the npm package onnxruntime-node.
'use strict';

const fs = require('fs');
const readline = require('readline');

function fail(words) {
    process.stderr.write(`peer_ort: ${words}\n`);
    process.exit(1);
}

function options(argv) {
    const [network, width, height, picture, ...rest] = argv;
    const o = { network, width: Number(width), height: Number(height), picture, threads: 1 };
    let wrong = !(o.width > 0 && o.height > 0 && picture) || rest.length % 2;

    for (let i = 0; i < rest.length; i += 2) {
        if (rest[i] === '--threads') o.threads = Number(rest[i + 1]);
        else if (rest[i] === '--dump') o.dump = rest[i + 1];
        else wrong = true;
    }
    if (wrong || !(o.threads > 0)) {
        process.stderr.write(
            'usage: peer_ort.js NETWORK.onnx WIDTH HEIGHT PICTURE [--threads N] [--dump FILE]\n');
        process.exit(2);
    }
    return o;
}

function memoryKb(key) { // VmHWM is the peak, VmRSS the present
    const found = fs.readFileSync('/proc/self/status', 'ascii').match(`${key}:\\s+(\\d+)`);
    return found ? Number(found[1]) : -1;
}

function floats(path) {
    const bytes = fs.readFileSync(path);
    return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}

async function main() {
    const o = options(process.argv.slice(2));
    const ort = require('onnxruntime-node');
    const session = await ort.InferenceSession.create(o.network, {
        executionMode: 'sequential', // a network is a chain: threads help inside a layer
        graphOptimizationLevel: 'all',
        interOpNumThreads: 1,
        intraOpNumThreads: o.threads,
    });
    const picture = new ort.Tensor('float32', floats(o.picture), [1, 3, o.height, o.width]);
    const shape = session.outputMetadata[0].shape;
    const result = new Float32Array(shape.reduce((a, b) => a * b));
    const feeds = { picture };
    const fetches = { result: new ort.Tensor('float32', result, shape) };

    console.log(JSON.stringify({
        version: ort.env.versions.node, threads: o.threads, idle_kb: memoryKb('VmRSS'),
    }));
    for await (const _ of readline.createInterface({ input: process.stdin })) {
        const start = process.hrtime.bigint();

        await session.run(feeds, fetches);
        console.log((Number(process.hrtime.bigint() - start) / 1e9).toFixed(4));
    }
    console.log(JSON.stringify({ peak_kb: memoryKb('VmHWM') }));
    if (o.dump) fs.writeFileSync(o.dump, result);
}

main().catch((e) => fail(String(e.message).split('\n')[0]));
