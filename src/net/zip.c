/* SPDX-License-Identifier: Apache-2.0 */
/* zip.c -- the entries of a zip file that is held in memory, proven to lie where they say.
 *
 *   | header name extra data | header name extra data | ... | directory | end record (22 bytes) |
 *
 * The directory alone says what there is; an entry's own header is read for its length and must
 * agree on the name. No entry may overlap another or the directory, so that the sum of all entries
 * is never more than the file: nothing here can be a bomb.
 *
 * Written for files of torch.save(), which end without a comment, have sizes in the directory and a
 * zip64 record that repeats what the plain one says; it is not needed below 4 GiB and not read.
 *
 * Threads: any. Owns: the list of entries. Trust: every byte.
 * See: PKWARE's APPNOTE.TXT 6.3, sections 4.3.7, 4.3.12 and 4.3.16
 */
#include "net/zip.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/bytes.h"

enum {
    LOCAL_BYTES = 30,
    CENTRAL_BYTES = 46,
    END_BYTES = 22,
    MAX_ENTRIES = 32768,
};

#define LOCAL_MAGIC   0x04034b50u
#define CENTRAL_MAGIC 0x02014b50u
#define END_MAGIC     0x06054b50u

struct reader {
    const unsigned char *data;
    size_t bytes;
    const char *file;
    const unsigned char *directory;
    struct fov_err *err;
};

static enum fov_code damaged(const struct reader *r, const char *what)
{
    return fov_fail(r->err, FOV_EMODEL, "%s: a zip file %s: it is truncated or damaged", r->file,
                    what);
}

bool fov_zip_matches(const unsigned char *data, size_t bytes)
{
    return bytes >= 4 && fov_le32(data) == LOCAL_MAGIC;
}

void fov_zip_done(struct fov_zip *zip)
{
    fov_free(zip->entries);
    *zip = (struct fov_zip){0};
}

/* The entry's own header, at `offset`: where its data begins. */
static enum fov_code read_local(const struct reader *r, uint32_t offset, struct fov_zip_entry *e)
{
    const size_t before_directory = (size_t)(r->directory - r->data);
    if (before_directory < LOCAL_BYTES || offset > before_directory - LOCAL_BYTES)
        return damaged(r, "with an entry that is not in it");

    const unsigned char *const header = r->data + offset;
    const size_t name_bytes = fov_le16(header + 26), extra_bytes = fov_le16(header + 28);
    const size_t left = before_directory - offset - LOCAL_BYTES;
    if (fov_le32(header) != LOCAL_MAGIC || name_bytes != e->name_bytes || name_bytes > left ||
        memcmp(header + LOCAL_BYTES, e->name, name_bytes))
        return damaged(r, "whose directory and entries do not agree");
    if (extra_bytes > left - name_bytes || e->bytes > left - name_bytes - extra_bytes)
        return damaged(r, "with an entry that is longer than the room for it");
    e->begin = header;
    e->data = header + LOCAL_BYTES + name_bytes + extra_bytes;
    return FOV_OK;
}

/* The entry that the directory describes at *at; steps over it. */
static enum fov_code read_central(const struct reader *r, const unsigned char **at,
                                  const unsigned char *end, struct fov_zip_entry *e)
{
    const unsigned char *const header = *at;
    if (end - header < CENTRAL_BYTES || fov_le32(header) != CENTRAL_MAGIC)
        return damaged(r, "whose directory is shorter than it says");

    const uint32_t flags = fov_le16(header + 8), method = fov_le16(header + 10);
    const uint32_t packed_bytes = fov_le32(header + 20), bytes = fov_le32(header + 24);
    const uint32_t offset = fov_le32(header + 42);
    const size_t name_bytes = fov_le16(header + 28);
    const size_t tail_bytes = name_bytes + fov_le16(header + 30) + fov_le16(header + 32);
    if (tail_bytes > (size_t)(end - header) - CENTRAL_BYTES)
        return damaged(r, "whose directory is shorter than it says");
    e->name = (const char *)header + CENTRAL_BYTES;
    e->name_bytes = name_bytes;
    e->bytes = bytes;
    *at += CENTRAL_BYTES + tail_bytes;

    if (method || flags & 1)
        return fov_fail(
            r->err, FOV_EMODEL,
            "%s: a zip file whose entry %.*s is %s; torch.save() stores entries as they "
            "are",
            r->file, (int)(name_bytes < 60 ? name_bytes : 60), e->name,
            method ? "compressed" : "encrypted");
    if (bytes == UINT32_MAX || packed_bytes == UINT32_MAX || offset == UINT32_MAX)
        return fov_fail(r->err, FOV_EMODEL,
                        "%s: a zip64 file with an entry over 4 GiB, which no network here has",
                        r->file);
    if (packed_bytes != bytes)
        return damaged(r, "with an entry of two sizes");
    return read_local(r, offset, e);
}

static int by_place(const void *a, const void *b)
{
    const struct fov_zip_entry *x = a, *y = b;
    return x->begin < y->begin ? -1 : x->begin > y->begin;
}

static int by_name(const void *a, const void *b)
{
    const struct fov_zip_entry *x = a, *y = b;
    const size_t n = x->name_bytes < y->name_bytes ? x->name_bytes : y->name_bytes;
    const int order = memcmp(x->name, y->name, n);
    return order ? order : (x->name_bytes > y->name_bytes) - (x->name_bytes < y->name_bytes);
}

/* Leaves the entries sorted by name. */
static enum fov_code prove_entries(const struct reader *r, struct fov_zip *zip)
{
    struct fov_zip_entry *const e = zip->entries;
    qsort(e, zip->n, sizeof(*e), by_place);
    for (size_t i = 1; i < zip->n; i++)
        if (e[i].begin < e[i - 1].data + e[i - 1].bytes)
            return damaged(r, "whose entries overlap");
    qsort(e, zip->n, sizeof(*e), by_name);
    for (size_t i = 1; i < zip->n; i++)
        if (!by_name(&e[i - 1], &e[i]))
            return fov_fail(r->err, FOV_EMODEL, "%s: a zip file with two entries %.*s", r->file,
                            (int)(e[i].name_bytes < 60 ? e[i].name_bytes : 60), e[i].name);
    return FOV_OK;
}

/* The last record: where the directory lies, and how many entries it has. */
static enum fov_code read_end(struct reader *r, size_t *ret_n, const unsigned char **ret_end)
{
    static const char endless[] = "that does not end with its directory";
    if (r->bytes < END_BYTES)
        return damaged(r, endless);
    const unsigned char *const record = r->data + r->bytes - END_BYTES;
    if (fov_le32(record) != END_MAGIC || fov_le16(record + 20))
        return damaged(r, endless);

    const uint32_t n = fov_le16(record + 10), bytes = fov_le32(record + 12);
    const uint32_t offset = fov_le32(record + 16);
    if (n == UINT16_MAX || bytes == UINT32_MAX || offset == UINT32_MAX)
        return fov_fail(r->err, FOV_EMODEL,
                        "%s: a zip64 file of more than 4 GiB, which no network here has", r->file);
    if (n > MAX_ENTRIES)
        return fov_fail(r->err, FOV_EMODEL, "%s: a zip file of %u entries; the limit is %d",
                        r->file, n, MAX_ENTRIES);
    if (fov_le16(record + 4) || fov_le16(record + 6) || fov_le16(record + 8) != n ||
        offset > r->bytes - END_BYTES || bytes > r->bytes - END_BYTES - offset)
        return damaged(r, "whose directory is not in it");
    r->directory = r->data + offset;
    *ret_n = n;
    *ret_end = r->directory + bytes;
    return FOV_OK;
}

enum fov_code fov_zip_init(const unsigned char *data, size_t bytes, const char *file,
                           struct fov_zip *ret_zip, struct fov_err *err)
{
    struct reader r = {.data = data, .bytes = bytes, .file = file, .err = err};
    FOV_AUTO(fov_zip_done) struct fov_zip zip = {0};
    const unsigned char *end;
    enum fov_code rc;
    size_t n;

    if ((rc = read_end(&r, &n, &end)))
        return rc;
    if (!(zip.entries = fov_calloc(n, sizeof(*zip.entries))))
        return fov_fail(err, FOV_ENOMEM, "%s: no memory for its directory", file);
    for (const unsigned char *at = r.directory; zip.n < n; zip.n++)
        if ((rc = read_central(&r, &at, end, &zip.entries[zip.n])))
            return rc;
    if ((rc = prove_entries(&r, &zip)))
        return rc;
    *ret_zip = zip;
    zip = (struct fov_zip){0}; /* given away */
    return FOV_OK;
}

const struct fov_zip_entry *fov_zip_find(const struct fov_zip *zip, const char *name,
                                         size_t name_bytes)
{
    const struct fov_zip_entry key = {.name = name, .name_bytes = name_bytes};
    return bsearch(&key, zip->entries, zip->n, sizeof(key), by_name);
}
