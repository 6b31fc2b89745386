/* SPDX-License-Identifier: Apache-2.0 */
/* test_pth.c -- files of torch.save() in both forms, and every way of not being that.
 *
 * usage: test_pth VECTORS_FOLDER; its .pth files were written by PyTorch. All others are made here.
 */
#define _GNU_SOURCE
#include "tests/unit/cmocka_all.h"

#include <stdbool.h>
#include <stdio.h>

#include "net/weights.h"
#include "tests/unit/zip_out.h"

static const char *vectors;

/* A tensor as a file describes it. */
struct spec {
    const char *name, *type, *key;
    unsigned numel, offset;
    int n_dims;
    unsigned dims[6], strides[6];
};

static void put_short(struct out *o, const char *text) /* of up to 255 bytes */
{
    PUT(o, "U");
    put_number(o, 1, strlen(text));
    put_text(o, text);
}

static void put_integer(struct out *o, unsigned n)
{
    PUT(o, "J");
    put_number(o, 4, n);
}

static void put_sizes(struct out *o, const unsigned *sizes, int n)
{
    PUT(o, "(");
    for (int i = 0; i < n; i++)
        put_integer(o, sizes[i]);
    PUT(o, "t");
}

static void put_tensor(struct out *o, const struct spec *s, bool legacy)
{
    PUT(o, "ctorch._utils\n_rebuild_tensor_v2\n((");
    put_short(o, "storage");
    PUT(o, "ctorch\n");
    put_text(o, s->type);
    PUT(o, "Storage\n");
    put_short(o, s->key);
    put_short(o, "cpu");
    put_integer(o, s->numel);
    if (legacy)
        PUT(o, "N");
    PUT(o, "tQ");
    put_integer(o, s->offset);
    put_sizes(o, s->dims, s->n_dims);
    put_sizes(o, s->strides, s->n_dims);
    PUT(o, "\x89"
           "ccollections\nOrderedDict\n)RtR");
}

/* A dictionary of tensors; `before` and `after` are the instructions around it. */
static void put_pickle(struct out *o, const char *before, const struct spec *s, size_t n,
                       const char *after, bool legacy)
{
    PUT(o, "\x80\2");
    put_text(o, before);
    PUT(o, "}(");
    for (size_t i = 0; i < n; i++) {
        put_short(o, s[i].name);
        put_tensor(o, &s[i], legacy);
    }
    PUT(o, "u");
    put_text(o, after);
    PUT(o, ".");
}

enum { STORAGE_BYTES = 48 }; /* of each that is made here: 0, 1, 2 ... */

static void put_storage(struct out *o)
{
    for (unsigned i = 0; i < STORAGE_BYTES; i++)
        put_number(o, 1, i);
}

/* A file of today with the storages "0" and "1". */
static void make_zip(struct zip_out *z, const char *before, const struct spec *s, size_t n,
                     const char *after)
{
    struct out *const pickle = fov_calloc(1, sizeof(*pickle)), *const data =
                                                                   fov_calloc(1, sizeof(*data));
    assert_non_null(pickle);
    assert_non_null(data);
    put_pickle(pickle, before, s, n, after, false);
    put_storage(data);
    memset(z, 0, sizeof(*z));
    zip_entry(z, "x/data.pkl", pickle->at, pickle->n, 0);
    zip_entry(z, "x/byteorder", "little", 6, 0);
    zip_entry(z, "x/data/0", data->at, data->n, 13);
    zip_entry(z, "x/data/1", data->at, data->n, 0);
    zip_entry(z, "x/version", "3\n", 2, 0);
    zip_end(z);
    fov_free(pickle);
    fov_free(data);
}

#define MAGIC                                                                                      \
    "\x80\2\x8a\x0al\xfc\x9c"                                                                      \
    "F\xf9 j\xa8P\x19."
#define SYSTEM "\x80\2M\xe9\3.\x80\2}U\x0dlittle_endian\x88s."

/* The first one's storage alone, in a file as before PyTorch 1.6. */
static void make_legacy(struct out *o, const char *before, const struct spec *s, size_t n,
                        const char *after)
{
    memset(o, 0, sizeof(*o));
    PUT(o, MAGIC SYSTEM);
    put_pickle(o, before, s, n, after, true);
    PUT(o, "\x80\2](");
    put_short(o, s->key);
    PUT(o, "e.");
    put_number(o, 8, s->numel);
    put_storage(o);
}

static struct zip_out *new_zip(void)
{
    struct zip_out *const z = fov_calloc(1, sizeof(*z));
    assert_non_null(z);
    return z;
}

static struct fov_weights *read_good(const struct out *o)
{
    struct fov_weights *w = NULL;
    struct fov_err err = {0};
    if (fov_weights_parse(o->at, o->n, "m", &w, &err))
        fail_msg("%s", err.text);
    return w;
}

static void assert_refused(const struct out *o, const char *why)
{
    struct fov_weights *w = NULL;
    struct fov_err err = {0};
    unsigned char *const copy = exactly(o->at, o->n);
    assert_int_equal(fov_weights_parse(copy, o->n, "m", &w, &err), FOV_EMODEL);
    assert_string_equal(err.text, why);
    assert_null(w);
    fov_free(copy);
}

/* A file of today with these tensors is refused so. */
static void refuses(const struct spec *s, size_t n, const char *why)
{
    struct zip_out *const z = new_zip();
    make_zip(z, "", s, n, "");
    assert_refused(&z->file, why);
    fov_free(z);
}

static const struct spec two[] = {
    {"a", "Float", "0", 12, 1, 2, {2, 3}, {3, 1}},
    {"b", "Float", "0", 12, 0, 1, {12}, {1}},
};

/* ---- what PyTorch wrote ------------------------------------------------------------------ */

static struct fov_weights *open_vector(const char *name)
{
    struct fov_weights *w = NULL;
    struct fov_err err = {0};
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/%s", vectors, name);
    if (fov_weights_open(path, &w, &err))
        fail_msg("%s", err.text);
    return w;
}

/* All tensors are those of the network they were made from, whatever the order. */
static void assert_same_network(const char *name)
{
    struct fov_weights *const model = open_vector("compact.model.safetensors");
    struct fov_weights *const file = open_vector(name);
    assert_int_equal(fov_weights_count(file), fov_weights_count(model));
    for (size_t i = 0; i < fov_weights_count(model); i++) {
        const struct fov_tensor *const a = fov_weights_at(model, i);
        const struct fov_tensor *const b = fov_weights_find(file, a->name);
        assert_non_null(b);
        assert_string_equal(a->dtype, b->dtype);
        assert_int_equal(a->n_dims, b->n_dims);
        assert_memory_equal(a->dims, b->dims, (size_t)a->n_dims * sizeof(*a->dims));
        assert_int_equal(a->n_elements, b->n_elements);
        assert_int_equal(a->bytes, b->bytes);
        assert_memory_equal(a->data, b->data, a->bytes);
    }
    fov_weights_close(file);
    fov_weights_close(model);
}

static void networks_of_pytorch_are_read(void **state)
{
    (void)state;
    assert_same_network("compact.zip.pth");
    assert_same_network("compact.legacy.pth");
}

/* ---- tensors ----------------------------------------------------------------------------- */

static void both_forms_are_read(void **state)
{
    struct zip_out *const z = new_zip();
    (void)state;
    for (int legacy = 0; legacy < 2; legacy++) {
        if (legacy)
            make_legacy(&z->file, "", two, 2, "");
        else
            make_zip(z, "", two, 2, "");
        struct fov_weights *const w = read_good(&z->file);
        assert_string_equal(fov_weights_name(w), "m");
        assert_int_equal(fov_weights_count(w), 2);
        const struct fov_tensor *const a = fov_weights_find(w, "a"), *const b =
                                                                         fov_weights_find(w, "b");
        assert_string_equal(a->dtype, "F32");
        assert_int_equal(a->n_dims, 2);
        assert_true(a->dims[0] == 2 && a->dims[1] == 3 && a->n_elements == 6 && a->bytes == 24);
        assert_int_equal(a->data[0], 4); /* offset 1 */
        assert_ptr_equal(a->data, b->data + 4);
        assert_true(b->data > z->file.at && b->data < z->file.at + z->file.n);
        assert_int_equal(fov_weights_n_metadata(w), 0);
        fov_weights_close(w);
    }
    fov_free(z);
}

static void types_are_those_of_storages(void **state)
{
    static const struct {
        const char *type, *dtype;
        unsigned bytes;
    } types[] = {
        {"Float", "F32", 4}, {"Half", "F16", 2},  {"BFloat16", "BF16", 2}, {"Double", "F64", 8},
        {"Long", "I64", 8},  {"Int", "I32", 4},   {"Short", "I16", 2},     {"Char", "I8", 1},
        {"Byte", "U8", 1},   {"Bool", "BOOL", 1},
    };
    struct zip_out *const z = new_zip();
    (void)state;
    for (size_t i = 0; i < FOV_N_ELEMENTS(types); i++) {
        const struct spec scalar = {"n", types[i].type, "0", STORAGE_BYTES / types[i].bytes, 1,
                                    0,   {0},           {0}};
        make_zip(z, "", &scalar, 1, "");
        struct fov_weights *const w = read_good(&z->file);
        const struct fov_tensor *const t = fov_weights_at(w, 0);
        assert_string_equal(t->dtype, types[i].dtype);
        assert_int_equal(t->n_dims, 0);
        assert_int_equal(t->n_elements, 1);
        assert_int_equal(t->bytes, types[i].bytes);
        assert_int_equal(t->data[0], types[i].bytes);
        fov_weights_close(w);
    }
    fov_free(z);
}

/* A double becomes the nearest float; one that is too large for it is refused. */
static void doubles_are_converted(void **state)
{
    static const struct spec spec = {"d", "Double", "0", 6, 0, 1, {6}, {1}};
    static const double numbers[] = {1.5, -0.1, 0, 0x1p-149, 0x1.fffffep127, -1e300};
    struct zip_out *const z = new_zip();
    struct fov_err err = {0};
    float v[6];
    (void)state;
    make_zip(z, "", &spec, 1, "");
    struct fov_weights *const w = read_good(&z->file);
    struct fov_tensor t = *fov_weights_at(w, 0);
    memcpy(z->file.at + (t.data - z->file.at), numbers, sizeof(numbers));
    assert_int_equal(fov_tensor_read(w, &t, v, &err), FOV_EMODEL);
    assert_string_equal(err.text, "m: tensor d holds a number that is not finite");
    t.n_elements = 5;
    assert_int_equal(fov_tensor_read(w, &t, v, NULL), FOV_OK);
    assert_true(v[0] == 1.5f && v[1] == -0.1f && v[2] == 0 && v[3] == 0x1p-149f &&
                v[4] == 0x1.fffffep127f);
    fov_weights_close(w);
    fov_free(z);
}

/* Strides that are not those of rows one after the other. */
static void views_are_made_contiguous(void **state)
{
    static const struct spec views[] = {
        {"all", "Float", "0", 12, 0, 2, {3, 4}, {4, 1}},
        {"transposed", "Float", "0", 12, 0, 2, {4, 3}, {1, 4}},
        {"columns", "Short", "1", 24, 1, 3, {2, 3, 2}, {12, 4, 1}},
        {"one", "Float", "0", 12, 3, 3, {1, 2, 1}, {999, 1, 77}}, /* contiguous: sides of 1 */
        {"none", "Float", "0", 12, 12, 2, {0, 3}, {3, 1}},
        {"nothing", "Float", "0", 12, 99, 2, {3, 0}, {1, 7}},
    };
    static const unsigned char transposed[] = {0, 16, 32, 4, 20, 36, 8, 24, 40, 12, 28, 44};
    static const unsigned char columns[] = {2, 4, 10, 12, 18, 20, 26, 28, 34, 36, 42, 44};
    struct zip_out *const z = new_zip();
    (void)state;
    make_zip(z, "", views, FOV_N_ELEMENTS(views), "");
    struct fov_weights *const w = read_good(&z->file);
    const struct fov_tensor *t = fov_weights_find(w, "transposed");
    assert_false(t->data >= z->file.at && t->data < z->file.at + z->file.n);
    for (size_t i = 0; i < 12; i++)
        assert_int_equal(t->data[4 * i], transposed[i]);
    t = fov_weights_find(w, "columns");
    for (size_t i = 0; i < 12; i++)
        assert_int_equal(t->data[2 * i], columns[i]);
    t = fov_weights_find(w, "one");
    assert_true(t->data > z->file.at && t->data < z->file.at + z->file.n && t->data[0] == 12);
    assert_int_equal(fov_weights_find(w, "none")->bytes, 0);
    assert_int_equal(fov_weights_find(w, "nothing")->n_elements, 0);
    assert_int_equal(fov_weights_count(w), 6);
    fov_weights_close(w);
    fov_free(z);
}

#define BEYOND "m: tensor a reaches beyond its storage of 12 numbers"

static void tensors_lie_in_their_storage(void **state)
{
    static const struct spec bad[] = {
        {"a", "Float", "0", 12, 1, 1, {12}, {1}},
        {"a", "Float", "0", 12, 12, 0, {0}, {0}},
        {"a", "Float", "0", 12, 0, 2, {2, 2}, {11, 1}},
        {"a", "Float", "0", 12, 0x7fffffff, 1, {1}, {1}},
        {"a", "Float", "0", 12, 0, 2, {0x7fffffff, 2}, {0x7fffffff, 0x7fffffff}},
        {"a", "Float", "0", 12, 0, 5, {0x7fff, 0x7fff, 0x7fff, 0x7fff, 1}, {1, 1, 1, 1, 1}},
    };
    (void)state;
    for (size_t i = 0; i < FOV_N_ELEMENTS(bad); i++)
        refuses(&bad[i], 1, BEYOND);
    static const struct spec huge = {
        "a", "Float", "0", 12, 0, 3, {0x7fffffff, 0x7fffffff, 0x7fffffff}, {0, 0, 0}};
    refuses(&huge, 1, "m: tensor a is larger than memory");
    static const struct spec repeated = {"a", "Float", "0", 12, 0, 2, {4, 4}, {0, 1}};
    refuses(&repeated, 1, "m: tensor a repeats numbers of a smaller one");
    static const struct spec deep = {
        "a", "Float", "0", 12, 0, 6, {1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1}};
    refuses(&deep, 1, "m: tensor a is not described as it should be");
    static const struct spec negative = {"a", "Float", "0", 12, 0xffffffff, 1, {1}, {1}};
    refuses(&negative, 1, "m: tensor a is not described as it should be");
    static const struct spec backwards = {"a", "Float", "0", 12, 5, 1, {2}, {0xffffffff}};
    refuses(&backwards, 1, "m: tensor a is not described as it should be");
}

/* Many large tensors out of a small file. */
static void sharing_has_a_limit(void **state)
{
    enum { N = 200 };
    static struct spec s[N];
    static char names[N][8];
    (void)state;
    for (int i = 0; i < N; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "t%d", i);
        s[i] = (struct spec){names[i], "Float", "0", 12, 0, 1, {12}, {1}};
    }
    struct zip_out *const z = new_zip(); /* 190 bytes describe a tensor of 48 */
    make_zip(z, "", s, N, "");
    fov_weights_close(read_good(&z->file));

    /* the same tensor, kept by the memo and named again with five bytes each */
    struct out *const pickle = fov_calloc(1, sizeof(*pickle));
    assert_non_null(pickle);
    PUT(pickle, "\x80\2}(");
    put_short(pickle, "t");
    put_tensor(pickle, &s[0], false);
    PUT(pickle, "q\0");
    for (int i = 0; i < N; i++) {
        put_short(pickle, names[i]);
        PUT(pickle, "h\0");
    }
    PUT(pickle, "u.");
    unsigned char data[STORAGE_BYTES] = {0};
    memset(z, 0, sizeof(*z));
    zip_entry(z, "x/data.pkl", pickle->at, pickle->n, 0);
    zip_entry(z, "x/data/0", data, sizeof(data), 0);
    zip_end(z);
    assert_refused(&z->file, "m: its tensors are together more than 4 times the file");
    fov_free(pickle);
    fov_free(z);
}

static void copies_have_a_limit(void **state)
{
    struct zip_out *const z = new_zip();
    struct out *const pickle = fov_calloc(1, sizeof(*pickle));
    static const struct spec view = {"t0", "Float", "0", 12, 0, 2, {4, 3}, {1, 4}};
    unsigned char data[STORAGE_BYTES] = {0};
    char name[8];
    (void)state;
    assert_non_null(pickle);
    PUT(pickle, "\x80\2}(");
    put_short(pickle, "t0");
    put_tensor(pickle, &view, false);
    PUT(pickle, "q\0");
    for (int i = 1; i < 30; i++) {
        (void)snprintf(name, sizeof(name), "t%d", i);
        put_short(pickle, name);
        PUT(pickle, "h\0");
    }
    PUT(pickle, "u.");
    zip_entry(z, "x/data.pkl", pickle->at, pickle->n, 0);
    zip_entry(z, "x/data/0", data, sizeof(data), 0);
    zip_end(z);
    assert_refused(&z->file, "m: its tensors share more numbers than it has");
    fov_free(pickle);
    fov_free(z);
}

/* ---- names and wrappers ------------------------------------------------------------------ */

static void assert_first_name(const char *before, const char *in, const char *after,
                              const char *out)
{
    const struct spec s = {in, "Float", "0", 12, 0, 1, {1}, {1}};
    struct zip_out *const z = new_zip();
    make_zip(z, before, &s, 1, after);
    struct fov_weights *const w = read_good(&z->file);
    assert_int_equal(fov_weights_count(w), 1);
    assert_string_equal(fov_weights_at(w, 0)->name, out);
    fov_weights_close(w);
    fov_free(z);
}

static void dictionaries_are_unwrapped(void **state)
{
    static const char *const names[] = {"params_ema", "params", "state_dict", "model_state_dict",
                                        "model",      "net_g",  "netG",       "net",
                                        "generator",  "g_ema",  "weights"};
    struct zip_out *const z = new_zip();
    struct fov_err err = {0};
    struct fov_weights *w = NULL;
    (void)state;
    for (size_t i = 0; i < FOV_N_ELEMENTS(names); i++) {
        char before[40];
        (void)snprintf(before, sizeof(before), "}U%c%s", (int)strlen(names[i]), names[i]);
        assert_first_name(before, "a.weight", "s", "a.weight");
    }
    assert_first_name("}U\5epochK\7sU\12state_dict}U\6params", "a", "ss", "a");
    assert_first_name("ccollections\nOrderedDict\n)RU\6params", "a", "sU\5epochK\7s", "a");
    assert_first_name("}U\12params_ema}sU\6params", "a", "s", "a"); /* the better one is empty */

    make_zip(z, "}U\5other", two, 2, "sU\4restNs");
    assert_int_equal(fov_weights_parse(z->file.at, z->file.n, "m", &w, &err), FOV_EMODEL);
    assert_string_equal(err.text, "m: no weights at its top or under params_ema, params, "
                                  "state_dict or the like; what was saved has other, rest");
    make_zip(z, "]", two, 2, "a");
    err = (struct fov_err){0};
    assert_int_equal(fov_weights_parse(z->file.at, z->file.n, "m", &w, &err), FOV_EMODEL);
    assert_string_equal(err.text, "m: what was saved is not a dictionary of a network's weights");
    make_zip(z, "}0", two, 0, "");
    err = (struct fov_err){0};
    assert_int_equal(fov_weights_parse(z->file.at, z->file.n, "m", &w, &err), FOV_EMODEL);
    assert_string_equal(err.text,
                        "m: no weights at its top or under params_ema, params, state_dict or the "
                        "like; what was saved has nothing with a name");
    fov_free(z);
}

/* {"params": {"a": ...}, "params_ema": {"b": ...}}, in both orders. */
static void averages_are_preferred(void **state)
{
    static const struct spec a = {"a", "Float", "0", 12, 0, 1, {1}, {1}};
    static const struct spec b = {"b", "Float", "0", 12, 0, 1, {1}, {1}};
    struct zip_out *const z = new_zip();
    struct out *const o = fov_calloc(1, sizeof(*o));
    (void)state;
    assert_non_null(o);
    for (int swapped = 0; swapped < 2; swapped++) {
        unsigned char data[STORAGE_BYTES] = {0};
        memset(o, 0, sizeof(*o));
        PUT(o, "}(");
        for (int i = 0; i < 2; i++) {
            put_short(o, i == swapped ? "params" : "params_ema");
            PUT(o, "}");
            put_short(o, i == swapped ? "a" : "b");
            put_tensor(o, i == swapped ? &a : &b, false);
            PUT(o, "s");
        }
        PUT(o, "u.");
        memset(z, 0, sizeof(*z));
        zip_entry(z, "x/data.pkl", o->at, o->n, 0);
        zip_entry(z, "x/data/0", data, sizeof(data), 0);
        zip_end(z);
        struct fov_weights *const w = read_good(&z->file);
        assert_int_equal(fov_weights_count(w), 1);
        assert_non_null(fov_weights_find(w, "b"));
        fov_weights_close(w);
    }
    fov_free(o);
    fov_free(z);
}

static void prefixes_are_taken_away(void **state)
{
    (void)state;
    assert_first_name("", "module.a.weight", "", "a.weight");
    assert_first_name("", "module.generator._orig_mod.a", "", "a");
    assert_first_name("", "netG.a", "", "a");
    assert_first_name("", "net_g.a", "", "a");
    assert_first_name("", "model.conv_first.weight", "", "conv_first.weight");
    assert_first_name("", "module.model.0.weight", "", "model.0.weight");
    assert_first_name("", "model.1.sub.0.RDB1.conv1.0.weight", "",
                      "model.1.sub.0.RDB1.conv1.0.weight");
    assert_first_name("", "module.", "", "module.");
    assert_first_name("", "modules.a", "", "modules.a");
    assert_first_name("", "module.module.module.module.a", "", "module.a"); /* has an end */

    static const struct spec mixed[] = {{"module.a", "Float", "0", 12, 0, 1, {1}, {1}},
                                        {"b", "Float", "0", 12, 0, 1, {1}, {1}}};
    struct zip_out *const z = new_zip();
    make_zip(z, "", mixed, 2, "");
    struct fov_weights *const w = read_good(&z->file);
    assert_non_null(fov_weights_find(w, "module.a"));
    fov_weights_close(w);
    fov_free(z);
}

static void names_are_short_texts(void **state)
{
    char name[210] = {0};
    struct spec s = {"a\nb", "Float", "0", 12, 0, 1, {1}, {1}};
    struct zip_out *const z = new_zip();
    (void)state;
    refuses(&s, 1, "m: a PyTorch file, but a tensor's name has control characters");
    memset(name, 'x', 201);
    s.name = name;
    refuses(&s, 1, "m: a PyTorch file, but a tensor's name is not a short text");
    static const struct spec twice[] = {{"a", "Float", "0", 12, 0, 1, {1}, {1}},
                                        {"a", "Float", "0", 12, 0, 1, {2}, {1}}};
    refuses(twice, 2, "m: tensor a appears twice");
    make_zip(z, "}K\1", two, 0, "0"); /* {1: tensor} */
    fov_free(z);
}

/* ---- the zip form ------------------------------------------------------------------------ */

static void storages_are_entries(void **state)
{
    struct spec s = {"a", "Float", "7", 12, 0, 1, {12}, {1}};
    (void)state;
    refuses(&s, 1, "m: has no entry data/7, which a tensor needs");
    s.key = "../data/0";
    refuses(&s, 1, "m: has no entry data/../data/0, which a tensor needs");
    s.key = "0";
    s.numel = 11;
    refuses(&s, 1,
            "m: its entry data/0 has 48 bytes, which is not what 11 numbers of type F32 need");
    s.numel = 0xffffffff;
    refuses(&s, 1, "m: a PyTorch file, but a storage is not described as it should be");
    s.numel = 12;
    s.key = "0000000000000000000000000000000000000000000000000000000000000000000000000";
    refuses(&s, 1, "m: a PyTorch file, but a storage is not described as it should be");

    static const struct spec quarrel[] = {{"a", "Float", "0", 12, 0, 1, {1}, {1}},
                                          {"b", "Int", "0", 12, 0, 1, {1}, {1}}};
    refuses(quarrel, 2, "m: a PyTorch file, but two descriptions of one storage do not agree");
}

static void zip_files_are_those_of_pytorch(void **state)
{
    struct zip_out *const z = new_zip();
    (void)state;
    zip_entry(z, "data.pkl", "N.", 2, 0); /* not in a folder */
    zip_entry(z, "a/b/data.pkl", "N.", 2, 0);
    zip_entry(z, "/data.pklx", "N.", 2, 0);
    zip_end(z);
    assert_refused(&z->file, "m: a zip file, but none of torch.save(): it has no entry data.pkl");
    memset(z, 0, sizeof(*z));
    zip_entry(z, "x/data.pkl", "N.", 2, 0);
    zip_entry(z, "x/byteorder", "big", 3, 0);
    zip_end(z);
    assert_refused(&z->file, "m: a PyTorch file, but its numbers are not little endian");
    memset(z, 0, sizeof(*z));
    zip_entry(z, "x/data.pkl", "cos\nsystem\n.", 12, 0);
    zip_end(z);
    assert_refused(&z->file, "m: asks for os.system, which a network has no need of; only tensors, "
                             "numbers, text and lists of them are read");
    fov_free(z);
}

/* ---- the form before 1.6 ----------------------------------------------------------------- */

/* The good file with `from` replaced, once, by as many bytes of `to`. */
static void assert_legacy_refused(const char *from, size_t bytes, const char *to, const char *why)
{
    struct out *const o = fov_calloc(1, sizeof(*o));
    assert_non_null(o);
    make_legacy(o, "", two, 2, "");
    unsigned char *const place = memmem(o->at, o->n, from, bytes);
    assert_non_null(place);
    memcpy(place, to, bytes);
    assert_refused(o, why);
    fov_free(o);
}

static const char not_listed[] =
    "m: a PyTorch file, but its list of storages is not that of its tensors";

#define REPLACED(from, to, why) assert_legacy_refused(from, sizeof(from) - 1, to, why)

static void legacy_files_are_consistent(void **state)
{
    struct out *const o = fov_calloc(1, sizeof(*o));
    (void)state;
    assert_non_null(o);
    REPLACED("M\xe9\3", "M\xea\3", "m: a PyTorch file, but its protocol is not 1001");
    REPLACED("M\xe9\3.", "]0N.", "m: a PyTorch file, but its protocol is not 1001");
    REPLACED("endian\x88", "endian\x89",
             "m: a PyTorch file, but its numbers are not little endian");
    REPLACED("](U\1"
             "0e.",
             "](U\1"
             "1e.",
             not_listed);
    REPLACED("](U\1"
             "0e.",
             "](NNe.", not_listed);
    REPLACED("](U\1"
             "0e.",
             "]0]0].", not_listed);
    REPLACED("e.\x0c", "e.\x0d",
             "m: a PyTorch file, but a storage has another length than its tensors say");
    REPLACED("U\7storage", "U\7Storage",
             "m: a PyTorch file, but a storage is not described as it should be");

    make_legacy(o, "", two, 2, "");
    PUT(o, "x");
    assert_refused(o, "m: 1 bytes after the last tensor belong to none");

    memset(o, 0, sizeof(*o));
    PUT(o, MAGIC SYSTEM);
    put_pickle(o, "", two, 2, "", true);
    PUT(o, "](U\1"
           "0U\1"
           "0e.");
    for (int i = 0; i < 2; i++) {
        put_number(o, 8, 12);
        put_storage(o);
    }
    assert_refused(o, not_listed);

    static const struct spec view[] = {{"a", "Float", "0", 12, 0, 1, {1}, {1}}};
    make_legacy(o, "", view, 1, "");
    unsigned char *const none = memmem(o->at, o->n, "NtQ", 3);
    assert_non_null(none);
    *none = ')';
    assert_refused(o, "m: a PyTorch file, but a storage is a part of another; saved again by "
                      "PyTorch 1.6 it would not be");
    fov_free(o);
}

/* Every truncation of both forms says that something is missing, and none crashes. */
static void truncations_are_found(void **state)
{
    struct zip_out *const z = new_zip();
    (void)state;
    for (int legacy = 0; legacy < 2; legacy++) {
        if (legacy)
            make_legacy(&z->file, "", two, 2, "");
        else
            make_zip(z, "", two, 2, "");
        for (size_t cut = 0; cut < z->file.n; cut++) {
            struct fov_weights *w = NULL;
            struct fov_err err = {0};
            unsigned char *const copy = exactly(z->file.at, cut);
            assert_int_equal(fov_weights_parse(copy, cut, "m", &w, &err), FOV_EMODEL);
            assert_true(strstr(err.text, "truncated or damaged") ||
                        (cut < sizeof(MAGIC) && strstr(err.text, "not a model file")));
            assert_null(w);
            fov_free(copy);
        }
    }
    fov_free(z);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_of_pytorch_are_read),
        cmocka_unit_test(both_forms_are_read),
        cmocka_unit_test(types_are_those_of_storages),
        cmocka_unit_test(doubles_are_converted),
        cmocka_unit_test(views_are_made_contiguous),
        cmocka_unit_test(tensors_lie_in_their_storage),
        cmocka_unit_test(sharing_has_a_limit),
        cmocka_unit_test(copies_have_a_limit),
        cmocka_unit_test(dictionaries_are_unwrapped),
        cmocka_unit_test(averages_are_preferred),
        cmocka_unit_test(prefixes_are_taken_away),
        cmocka_unit_test(names_are_short_texts),
        cmocka_unit_test(storages_are_entries),
        cmocka_unit_test(zip_files_are_those_of_pytorch),
        cmocka_unit_test(legacy_files_are_consistent),
        cmocka_unit_test(truncations_are_found),
    };
    if (argc != 2)
        return 2;
    vectors = argv[1];
    return cmocka_run_group_tests_name("pth", tests, NULL, NULL);
}
