/* SPDX-License-Identifier: Apache-2.0 */
/* pth.c -- the weights in a file of PyTorch's torch.save(), in either of its two forms.
 *
 *   since 1.6   a zip file of stored entries: NAME/data.pkl is a pickle of what was saved, and
 *               NAME/data/KEY the numbers of one storage each
 *   before      | magic number | protocol | system | what was saved | storage keys |   5 pickles
 *               | u64 count, numbers | u64 count, numbers | ...                       in key order
 *
 * In both, a tensor is a pickled tuple: a storage, an offset, a size and strides. pickle.c reads
 * the pickle without calling anything; here each storage is found in the file, and each tensor is
 * proven to lie inside its storage. Numbers are used where they lie; only views that are not
 * contiguous are copied, together at most as much as the file.
 *
 * People save the state_dict of a network alone or inside a dictionary, under a handful of names
 * that training programs have made common; wrappers[] and prefixes[] list them.
 *
 * Threads: any. Owns: nothing; what it allocates belongs to the struct fov_weights it fills.
 * Trust: every byte. See: torch/serialization.py of PyTorch 1.13, _save and _legacy_save;
 * torch/_utils.py, _rebuild_tensor_v2
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/bytes.h"
#include "net/format.h"
#include "net/pickle.h"
#include "net/zip.h"

enum {
    MAX_KEY_BYTES = 64,
    MAX_NAME_BYTES = 200,
    MAX_ENTRY_BYTES = 512,
    MAX_SHARED = 4, /* tensors may share storages: together at most this many times the file */
    MAX_WRAPPED = 3,
    PROTOCOL = 1001,
    MAGIC_AT = 2,
};

/* The magic number as torch.save() pickled it, behind the version of the pickle protocol. */
static const unsigned char magic[] = {0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9,
                                      0x20, 0x6a, 0xa8, 0x50, 0x19, '.'};

/* Where the weights are, best first. The average over the training (EMA) is what is published. */
static const char *const wrappers[] = {"params_ema", "params", "state_dict", "model_state_dict",
                                       "model",      "net_g",  "netG",       "net",
                                       "generator",  "g_ema",  "weights"};

/* What wrapping a network in another class puts before every name. Not when a digit follows:
 * "model.0.weight" is how the first ESRGAN itself is called. */
static const char *const prefixes[] = {"module.", "_orig_mod.", "generator.",
                                       "netG.",   "net_g.",     "model."};

struct storage {
    const char *key;
    size_t key_bytes;
    const char *dtype;
    size_t n_elements, element_bytes;
    const unsigned char *data; /* NULL: not found yet */
};

struct reader {
    struct fov_weights *w;
    const unsigned char *data;
    size_t bytes;
    struct fov_pickle *pickle; /* of what was saved */
    struct storage *storages;  /* sorted by key */
    size_t n_storages;
    size_t all_bytes, copied_bytes;
    struct fov_err *err;
};

/* Where a tensor's elements lie in its storage. */
struct view {
    const struct storage *storage;
    size_t offset, strides[FOV_MAX_TENSOR_DIMS];
};

static enum fov_code damaged(const struct reader *r, const char *what)
{
    return fov_fail(r->err, FOV_EMODEL, "%s: a PyTorch file, but %s", r->w->name, what);
}

static void close_pickle_at(struct fov_pickle **pickle)
{
    fov_pickle_close(*pickle);
}

/* ---- storages ---------------------------------------------------------------------------- */

static int by_key(const void *a, const void *b)
{
    const struct storage *x = a, *y = b;
    const size_t n = x->key_bytes < y->key_bytes ? x->key_bytes : y->key_bytes;
    const int order = memcmp(x->key, y->key, n);
    return order ? order : (x->key_bytes > y->key_bytes) - (x->key_bytes < y->key_bytes);
}

/* ("storage", type, key, where it was, number of elements), and None in the old form. */
static enum fov_code read_identity(const struct reader *r, struct fov_pickle_value value,
                                   struct storage *ret_storage)
{
    struct fov_pickle_value item[7];
    const size_t n = fov_pickle_items(r->pickle, value, FOV_N_ELEMENTS(item), item);
    if (n < 5 || n > 6 || !fov_pickle_is_text(item[0], "storage") ||
        item[1].kind != FOV_PICKLE_NAME || !item[1].dtype || item[2].kind != FOV_PICKLE_TEXT ||
        item[2].n_bytes > MAX_KEY_BYTES || memchr(item[2].text, '\0', item[2].n_bytes) ||
        item[4].kind != FOV_PICKLE_INT || item[4].integer < 0)
        return damaged(r, "a storage is not described as it should be");
    if (n == 6 && item[5].kind != FOV_PICKLE_NONE)
        return damaged(
            r, "a storage is a part of another; saved again by PyTorch 1.6 it would not be");
    *ret_storage = (struct storage){
        .key = item[2].text,
        .key_bytes = item[2].n_bytes,
        .dtype = item[1].dtype,
        .n_elements = (size_t)item[4].integer,
        .element_bytes = fov__dtype_bytes(item[1].dtype),
    };
    return FOV_OK;
}

/* All storages that the pickle names, once each. */
static enum fov_code list_storages(struct reader *r)
{
    const size_t n = fov_pickle_n_storages(r->pickle);
    size_t unique = 0;
    if (!(r->storages = fov_calloc(n, sizeof(*r->storages))))
        return fov_fail(r->err, FOV_ENOMEM, "%s: no memory for its tensors", r->w->name);
    for (size_t i = 0; i < n; i++) {
        const enum fov_code rc =
            read_identity(r, fov_pickle_storage_at(r->pickle, i), &r->storages[i]);
        if (rc)
            return rc;
    }
    qsort(r->storages, n, sizeof(*r->storages), by_key);
    for (size_t i = 0; i < n; i++) {
        struct storage *const s = &r->storages[i], *const last = &r->storages[unique - !!unique];
        if (!i || by_key(last, s))
            r->storages[unique++] = *s;
        else if (last->dtype != s->dtype || last->n_elements != s->n_elements)
            return damaged(r, "two descriptions of one storage do not agree");
    }
    r->n_storages = unique;
    return FOV_OK;
}

static struct storage *find_storage(const struct reader *r, const char *key, size_t key_bytes)
{
    const struct storage wanted = {.key = key, .key_bytes = key_bytes};
    return bsearch(&wanted, r->storages, r->n_storages, sizeof(wanted), by_key);
}

/* ---- the zip form ------------------------------------------------------------------------ */

/* The entry FOLDER/data.pkl; *ret_folder is as long as "FOLDER/". */
static const struct fov_zip_entry *find_pickle(const struct fov_zip *zip, size_t *ret_folder)
{
    static const char name[] = "/data.pkl";
    const size_t n = sizeof(name) - 1;
    for (size_t i = 0; i < zip->n; i++) {
        const struct fov_zip_entry *const e = &zip->entries[i];
        if (e->name_bytes > n && !memcmp(e->name + e->name_bytes - n, name, n) &&
            !memchr(e->name, '/', e->name_bytes - n)) {
            *ret_folder = e->name_bytes - n + 1;
            return e;
        }
    }
    return NULL;
}

/* The entry FOLDER/NAME1NAME2, or NULL. */
static const struct fov_zip_entry *find_in(const struct fov_zip *zip, const char *folder,
                                           size_t folder_bytes, const char *name1,
                                           const char *name2, size_t name2_bytes)
{
    char path[MAX_ENTRY_BYTES];
    const int n = snprintf(path, sizeof(path), "%.*s%s%.*s", (int)folder_bytes, folder, name1,
                           (int)name2_bytes, name2);
    return n > 0 && (size_t)n < sizeof(path) ? fov_zip_find(zip, path, (size_t)n) : NULL;
}

static enum fov_code find_entries(struct reader *r, const struct fov_zip *zip, const char *folder,
                                  size_t folder_bytes)
{
    for (size_t i = 0; i < r->n_storages; i++) {
        struct storage *const s = &r->storages[i];
        const struct fov_zip_entry *const e =
            find_in(zip, folder, folder_bytes, "data/", s->key, s->key_bytes);
        size_t bytes;
        if (!e)
            return fov_fail(r->err, FOV_EMODEL, "%s: has no entry data/%.*s, which a tensor needs",
                            r->w->name, (int)s->key_bytes, s->key);
        if (__builtin_mul_overflow(s->n_elements, s->element_bytes, &bytes) || bytes != e->bytes)
            return fov_fail(r->err, FOV_EMODEL,
                            "%s: its entry data/%.*s has %zu bytes, which is not what %zu numbers "
                            "of type %s need",
                            r->w->name, (int)s->key_bytes, s->key, e->bytes, s->n_elements,
                            s->dtype);
        s->data = e->data;
    }
    return FOV_OK;
}

static enum fov_code read_zip(struct reader *r)
{
    static const char little[] = "little";
    FOV_AUTO(fov_zip_done) struct fov_zip zip = {0};
    size_t folder_bytes, used;
    enum fov_code rc;

    if ((rc = fov_zip_init(r->data, r->bytes, r->w->name, &zip, r->err)))
        return rc;
    const struct fov_zip_entry *const pickle = find_pickle(&zip, &folder_bytes);
    if (!pickle)
        return fov_fail(r->err, FOV_EMODEL,
                        "%s: a zip file, but none of torch.save(): it has no entry "
                        "data.pkl",
                        r->w->name);
    const struct fov_zip_entry *const order =
        find_in(&zip, pickle->name, folder_bytes, "byteorder", "", 0);
    if (order && (order->bytes != strlen(little) || memcmp(order->data, little, order->bytes)))
        return damaged(r, "its numbers are not little endian");

    if ((rc =
             fov_pickle_open(pickle->data, pickle->bytes, r->w->name, &r->pickle, &used, r->err)) ||
        (rc = list_storages(r)) || (rc = find_entries(r, &zip, pickle->name, folder_bytes)))
        return rc;
    return FOV_OK;
}

/* ---- the form before 1.6 ----------------------------------------------------------------- */

/* A pickle at *at that nothing but this function looks into; steps over it. */
static enum fov_code next_pickle(const struct reader *r, size_t *at, struct fov_pickle **ret_pickle)
{
    size_t used;
    const enum fov_code rc =
        fov_pickle_open(r->data + *at, r->bytes - *at, r->w->name, ret_pickle, &used, r->err);
    if (!rc)
        *at += used;
    return rc;
}

/* The number of the protocol, then a dictionary with the machine's properties. */
static enum fov_code read_system(const struct reader *r, size_t *at)
{
    FOV_AUTO(close_pickle_at) struct fov_pickle *protocol = NULL;
    FOV_AUTO(close_pickle_at) struct fov_pickle *system = NULL;
    struct fov_pickle_value key, value;
    enum fov_code rc;

    if ((rc = next_pickle(r, at, &protocol)) || (rc = next_pickle(r, at, &system)))
        return rc;
    const struct fov_pickle_value version = fov_pickle_root(protocol);
    if (version.kind != FOV_PICKLE_INT || version.integer != PROTOCOL)
        return damaged(r, "its protocol is not 1001");
    for (uint32_t i = fov_pickle_first(system, fov_pickle_root(system));
         fov_pickle_next(system, &i, &key) && fov_pickle_next(system, &i, &value);)
        if (fov_pickle_is_text(key, "little_endian") &&
            (value.kind != FOV_PICKLE_BOOL || !value.integer))
            return damaged(r, "its numbers are not little endian");
    return FOV_OK;
}

/* A count and the numbers of the storage called `key`; steps over them. */
static enum fov_code read_storage(const struct reader *r, struct fov_pickle_value key, size_t *at)
{
    size_t bytes;
    struct storage *const s =
        key.kind == FOV_PICKLE_TEXT ? find_storage(r, key.text, key.n_bytes) : NULL;
    if (!s || s->data)
        return damaged(r, "its list of storages is not that of its tensors");
    if (r->bytes - *at < 8 || __builtin_mul_overflow(s->n_elements, s->element_bytes, &bytes) ||
        bytes > r->bytes - *at - 8)
        return fov_fail(r->err, FOV_EMODEL,
                        "%s: ends before its last tensor does: the file is truncated or damaged",
                        r->w->name);
    if (fov_le64(r->data + *at) != s->n_elements)
        return damaged(r, "a storage has another length than its tensors say");
    s->data = r->data + *at + 8;
    *at += 8 + bytes;
    return FOV_OK;
}

static enum fov_code read_legacy(struct reader *r)
{
    FOV_AUTO(close_pickle_at) struct fov_pickle *keys = NULL;
    size_t at = MAGIC_AT + sizeof(magic);
    struct fov_pickle_value key;
    enum fov_code rc;

    if ((rc = read_system(r, &at)) || (rc = next_pickle(r, &at, &r->pickle)) ||
        (rc = next_pickle(r, &at, &keys)) || (rc = list_storages(r)))
        return rc;
    for (uint32_t i = fov_pickle_first(keys, fov_pickle_root(keys));
         fov_pickle_next(keys, &i, &key);)
        if ((rc = read_storage(r, key, &at)))
            return rc;
    for (size_t i = 0; i < r->n_storages; i++)
        if (!r->storages[i].data)
            return damaged(r, "its list of storages is not that of its tensors");
    if (at != r->bytes)
        return fov_fail(r->err, FOV_EMODEL, "%s: %zu bytes after the last tensor belong to none",
                        r->w->name, r->bytes - at);
    return FOV_OK;
}

/* ---- the dictionary of weights ----------------------------------------------------------- */

static bool has_tensor(const struct reader *r, struct fov_pickle_value dict)
{
    struct fov_pickle_value key, value;
    for (uint32_t i = fov_pickle_first(r->pickle, dict);
         fov_pickle_next(r->pickle, &i, &key) && fov_pickle_next(r->pickle, &i, &value);)
        if (value.kind == FOV_PICKLE_TENSOR)
            return true;
    return false;
}

/* The dictionaries in `dict` by the names of wrappers; of two with one name, as in Python, the
 * last.
 */
static void list_wrapped(const struct reader *r, struct fov_pickle_value dict,
                         struct fov_pickle_value ret_found[FOV_N_ELEMENTS(wrappers)])
{
    struct fov_pickle_value key, value;
    for (size_t k = 0; k < FOV_N_ELEMENTS(wrappers); k++)
        ret_found[k] = (struct fov_pickle_value){.kind = FOV_PICKLE_NONE};
    for (uint32_t i = fov_pickle_first(r->pickle, dict);
         fov_pickle_next(r->pickle, &i, &key) && fov_pickle_next(r->pickle, &i, &value);)
        for (size_t k = 0; k < FOV_N_ELEMENTS(wrappers); k++)
            if (value.kind == FOV_PICKLE_DICT && fov_pickle_is_text(key, wrappers[k]))
                ret_found[k] = value;
}

/* The dictionary that holds the weights: `root`, or one that is wrapped in it once or twice;
 * {"state_dict": {"params": {...}}} is as deep as it gets. */
static bool unwrap(const struct reader *r, struct fov_pickle_value root,
                   struct fov_pickle_value *ret_dict)
{
    struct fov_pickle_value outer[FOV_N_ELEMENTS(wrappers)], inner[FOV_N_ELEMENTS(wrappers)];
    list_wrapped(r, root, outer);
    for (size_t k = 0; k < FOV_N_ELEMENTS(wrappers); k++) {
        if (outer[k].kind != FOV_PICKLE_DICT)
            continue;
        list_wrapped(r, outer[k], inner);
        for (size_t n = 0; n < FOV_N_ELEMENTS(wrappers); n++) {
            *ret_dict = inner[n];
            if (inner[n].kind == FOV_PICKLE_DICT && has_tensor(r, inner[n]))
                return true;
        }
        *ret_dict = outer[k];
        if (has_tensor(r, outer[k]))
            return true;
    }
    *ret_dict = root;
    return has_tensor(r, root);
}

static enum fov_code find_weights(const struct reader *r, struct fov_pickle_value *ret_dict)
{
    char seen[120] = "";
    size_t used = 0;
    const struct fov_pickle_value root = fov_pickle_root(r->pickle);
    struct fov_pickle_value key, value;

    if (root.kind != FOV_PICKLE_DICT)
        return fov_fail(r->err, FOV_EMODEL,
                        "%s: what was saved is not a dictionary of a network's weights",
                        r->w->name);
    if (unwrap(r, root, ret_dict))
        return FOV_OK;
    for (uint32_t i = fov_pickle_first(r->pickle, root); used < sizeof(seen) &&
                                                         fov_pickle_next(r->pickle, &i, &key) &&
                                                         fov_pickle_next(r->pickle, &i, &value);)
        if (key.kind == FOV_PICKLE_TEXT)
            used += (size_t)snprintf(seen + used, sizeof(seen) - used, "%s%.*s", used ? ", " : "",
                                     (int)(key.n_bytes < 30 ? key.n_bytes : 30), key.text);
    return fov_fail(r->err, FOV_EMODEL,
                    "%s: no weights at its top or under params_ema, params, state_dict or the "
                    "like; what was saved has %s",
                    r->w->name, used ? seen : "nothing with a name");
}

static bool begins(struct fov_pickle_value text, size_t at, const char *prefix)
{
    const size_t n = strlen(prefix);
    return text.kind == FOV_PICKLE_TEXT && text.n_bytes > at + n &&
           !memcmp(text.text + at, prefix, n) &&
           !(text.text[at + n] >= '0' && text.text[at + n] <= '9');
}

static bool all_begin(const struct reader *r, struct fov_pickle_value dict, size_t at,
                      const char *prefix)
{
    struct fov_pickle_value key, value;
    for (uint32_t i = fov_pickle_first(r->pickle, dict);
         fov_pickle_next(r->pickle, &i, &key) && fov_pickle_next(r->pickle, &i, &value);)
        if (value.kind == FOV_PICKLE_TENSOR && !begins(key, at, prefix))
            return false;
    return true;
}

/* How many bytes of all names in `dict` come from wrapping the network, MAX_WRAPPED times at most.
 */
static size_t wrapping(const struct reader *r, struct fov_pickle_value dict)
{
    size_t bytes = 0;
    for (int n = 0; n < MAX_WRAPPED; n++) {
        size_t k = 0;
        while (k < FOV_N_ELEMENTS(prefixes) && !all_begin(r, dict, bytes, prefixes[k]))
            k++;
        if (k == FOV_N_ELEMENTS(prefixes))
            break;
        bytes += strlen(prefixes[k]);
    }
    return bytes;
}

/* ---- tensors ----------------------------------------------------------------------------- */

/* Whole numbers that are not negative. */
static bool read_sizes(const struct reader *r, struct fov_pickle_value tuple,
                       size_t ret_sizes[FOV_MAX_TENSOR_DIMS], int *ret_n)
{
    struct fov_pickle_value item[FOV_MAX_TENSOR_DIMS + 1];
    const size_t n = fov_pickle_items(r->pickle, tuple, FOV_N_ELEMENTS(item), item);
    if (tuple.kind != FOV_PICKLE_TUPLE || n > FOV_MAX_TENSOR_DIMS)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (item[i].kind != FOV_PICKLE_INT || item[i].integer < 0)
            return false;
        ret_sizes[i] = (size_t)item[i].integer;
    }
    *ret_n = (int)n;
    return true;
}

/* Does every element lie in the storage? */
static bool inside(const struct fov_tensor *t, const struct view *v)
{
    size_t last = v->offset, step;
    if (!t->n_elements)
        return true;
    for (int i = 0; i < t->n_dims; i++)
        if (__builtin_mul_overflow(t->dims[i] - 1, v->strides[i], &step) ||
            __builtin_add_overflow(last, step, &last))
            return false;
    return last < v->storage->n_elements;
}

static bool contiguous(const struct fov_tensor *t, const struct view *v)
{
    size_t expected = 1;
    for (int i = t->n_dims; i-- > 0;) {
        if (t->dims[i] != 1 && v->strides[i] != expected)
            return !t->n_elements;
        expected *= t->dims[i]; /* no more than all elements */
    }
    return true;
}

/* Set all of *t but its name and data, and where its elements lie. */
static enum fov_code read_tensor(const struct reader *r, struct fov_pickle_value value,
                                 struct fov_tensor *t, struct view *ret_view)
{
    struct fov_pickle_value item[4];
    struct storage identity;
    enum fov_code rc;
    int n_strides;

    if (fov_pickle_items(r->pickle, value, 4, item) < 4 || item[0].kind != FOV_PICKLE_STORAGE ||
        item[1].kind != FOV_PICKLE_INT || item[1].integer < 0 ||
        !read_sizes(r, item[2], t->dims, &t->n_dims) ||
        !read_sizes(r, item[3], ret_view->strides, &n_strides) || t->n_dims != n_strides)
        return fov_fail(r->err, FOV_EMODEL, "%s: tensor %.60s is not described as it should be",
                        r->w->name, t->name);
    if ((rc = read_identity(r, item[0], &identity)))
        return rc;
    ret_view->storage = find_storage(r, identity.key, identity.key_bytes);
    ret_view->offset = (size_t)item[1].integer;
    t->dtype = identity.dtype;
    if ((rc = fov__tensor_size(r->w, t, &t->bytes, r->err)))
        return rc;
    if (!inside(t, ret_view))
        return fov_fail(r->err, FOV_EMODEL,
                        "%s: tensor %.60s reaches beyond its storage of %zu numbers", r->w->name,
                        t->name, ret_view->storage->n_elements);
    return FOV_OK;
}

static enum fov_code add_tensor(struct reader *r, struct fov_pickle_value value, const char *name)
{
    struct fov_tensor t = {.name = name};
    struct view view;
    const enum fov_code rc = read_tensor(r, value, &t, &view);
    if (rc)
        return rc;
    if (contiguous(&t, &view)) {
        t.data = view.storage->data;
        if (t.n_elements)
            t.data += view.offset * view.storage->element_bytes;
    } else if (t.n_elements > view.storage->n_elements) {
        return fov_fail(r->err, FOV_EMODEL, "%s: tensor %.60s repeats numbers of a smaller one",
                        r->w->name, name);
    } else {
        r->copied_bytes += t.bytes; /* at most all_bytes */
    }
    if (t.bytes > MAX_SHARED * r->bytes || (r->all_bytes += t.bytes) > MAX_SHARED * r->bytes)
        return fov_fail(r->err, FOV_EMODEL,
                        "%s: its tensors are together more than %d times the file", r->w->name,
                        MAX_SHARED);
    return fov__weights_add(r->w, &t, r->err);
}

/* Copy the elements of a view in their order. Returns the end of the copy. */
static unsigned char *copy_view(const struct fov_tensor *t, const struct view *v,
                                unsigned char *dst)
{
    const size_t n = v->storage->element_bytes;
    size_t index[FOV_MAX_TENSOR_DIMS] = {0};
    for (size_t done = 0; done < t->n_elements; done++, dst += n) {
        size_t at = v->offset;
        for (int i = 0; i < t->n_dims; i++)
            at += index[i] * v->strides[i];
        memcpy(dst, v->storage->data + at * n, n);
        for (int i = t->n_dims; i-- > 0 && ++index[i] == t->dims[i];)
            index[i] = 0;
    }
    return dst;
}

/* A name, ended with NUL, without what wraps it. */
static enum fov_code copy_name(const struct reader *r, struct fov_pickle_value key, size_t skip,
                               char **at)
{
    if (key.kind != FOV_PICKLE_TEXT || key.n_bytes > MAX_NAME_BYTES)
        return damaged(r, "a tensor's name is not a short text");
    for (size_t i = skip; i < key.n_bytes; i++)
        if ((unsigned char)key.text[i] < ' ')
            return damaged(r, "a tensor's name has control characters");
    memcpy(*at, key.text + skip, key.n_bytes - skip);
    (*at)[key.n_bytes - skip] = '\0';
    *at += key.n_bytes - skip + 1;
    return FOV_OK;
}

/* Tensors that are used where they lie, and room for the others. */
static enum fov_code add_tensors(struct reader *r, struct fov_pickle_value dict)
{
    const size_t skip = wrapping(r, dict);
    struct fov_pickle_value key, value;
    size_t bytes = 1;
    enum fov_code rc;

    for (uint32_t i = fov_pickle_first(r->pickle, dict);
         fov_pickle_next(r->pickle, &i, &key) && fov_pickle_next(r->pickle, &i, &value);)
        if (value.kind == FOV_PICKLE_TENSOR && key.kind == FOV_PICKLE_TEXT)
            bytes += key.n_bytes < MAX_NAME_BYTES ? key.n_bytes + 1 : MAX_NAME_BYTES + 1;
    if (!(r->w->strings = fov_calloc(bytes, 1)))
        return fov_fail(r->err, FOV_ENOMEM, "%s: no memory for its names", r->w->name);

    char *at = r->w->strings;
    for (uint32_t i = fov_pickle_first(r->pickle, dict);
         fov_pickle_next(r->pickle, &i, &key) && fov_pickle_next(r->pickle, &i, &value);) {
        const char *const name = at;
        if (value.kind == FOV_PICKLE_TENSOR &&
            ((rc = copy_name(r, key, skip, &at)) || (rc = add_tensor(r, value, name))))
            return rc;
    }
    return FOV_OK;
}

/* The tensors that add_tensors() has left without data, in the same order. */
static enum fov_code copy_tensors(struct reader *r, struct fov_pickle_value dict)
{
    struct fov_pickle_value key, value;
    size_t n = 0;
    if (!r->copied_bytes)
        return FOV_OK;
    if (r->copied_bytes > r->bytes)
        return fov_fail(r->err, FOV_EMODEL, "%s: its tensors share more numbers than it has",
                        r->w->name);
    unsigned char *at = r->w->block = fov_calloc(r->copied_bytes, 1);
    if (!at)
        return fov_fail(r->err, FOV_ENOMEM, "%s: no memory for its tensors", r->w->name);
    for (uint32_t i = fov_pickle_first(r->pickle, dict);
         fov_pickle_next(r->pickle, &i, &key) && fov_pickle_next(r->pickle, &i, &value);) {
        struct fov_tensor same, *t;
        struct view view;
        if (value.kind != FOV_PICKLE_TENSOR)
            continue;
        if ((t = &r->w->tensors[n++])->data)
            continue;
        same = *t;
        const enum fov_code rc = read_tensor(r, value, &same, &view);
        if (rc)
            return rc;
        t->data = at;
        at = copy_view(t, &view, at);
    }
    return FOV_OK;
}

/* ---- the format -------------------------------------------------------------------------- */

static bool matches(const unsigned char *data, size_t bytes)
{
    return fov_zip_matches(data, bytes) || (bytes >= MAGIC_AT + sizeof(magic) && data[0] == 0x80 &&
                                            !memcmp(data + MAGIC_AT, magic, sizeof(magic)));
}

static enum fov_code read_weights(struct reader *r)
{
    struct fov_pickle_value dict;
    enum fov_code rc;
    if ((rc = fov_zip_matches(r->data, r->bytes) ? read_zip(r) : read_legacy(r)) ||
        (rc = find_weights(r, &dict)) || (rc = add_tensors(r, dict)) ||
        (rc = copy_tensors(r, dict)))
        return rc;
    return fov__weights_prove_names(r->w, r->err);
}

static enum fov_code parse(struct fov_weights *w, const unsigned char *data, size_t bytes,
                           struct fov_err *err)
{
    struct reader r = {.w = w, .data = data, .bytes = bytes, .err = err};
    const enum fov_code rc = read_weights(&r);
    fov_pickle_close(r.pickle);
    fov_free(r.storages);
    return rc;
}

const struct fov_format fov_format_pth = {matches, parse};
