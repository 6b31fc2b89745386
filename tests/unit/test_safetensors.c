/* SPDX-License-Identifier: Apache-2.0 */
/* test_safetensors.c -- files that are what they claim, and every way of not being that. */
#include "tests/unit/cmocka_all.h"

#include <string.h>

#include "base/mem.h"
#include "net/arch.h"
#include "net/weights.h"

enum { MAX_BYTES = 4096 };

/* Lay out a file: its header, `n` data bytes that count up. Returns its length. */
static size_t make(unsigned char file[MAX_BYTES], const char *header, size_t n)
{
    const size_t h = strlen(header);
    memset(file, 0, MAX_BYTES);
    for (size_t i = 0; i < 8; i++)
        file[i] = (unsigned char)(h >> 8 * i);
    memcpy(file + 8, header, h);
    for (size_t i = 0; i < n; i++)
        file[8 + h + i] = (unsigned char)(i + 1);
    return 8 + h + n;
}

static void assert_refused(const char *header, size_t n, const char *why)
{
    unsigned char file[MAX_BYTES];
    struct fov_weights *st = NULL;
    struct fov_err err = {0};
    const size_t bytes = make(file, header, n);
    assert_int_equal(fov_weights_parse(file, bytes, "m.safetensors", &st, &err), FOV_EMODEL);
    assert_string_equal(err.text, why);
    assert_null(st);
}

#define NOT_JSON   "m.safetensors: not a .safetensors file: its header is not the expected JSON"
#define T(offsets) "{\"a\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":" offsets "}}"

static void good_file_is_read(void **state)
{
    unsigned char file[MAX_BYTES];
    struct fov_weights *st;
    const char *key, *value;
    (void)state;
    const size_t bytes =
        make(file,
             " {\"b\\u00e4\":{\"shape\":[1,2],\"data_offsets\":[4,12],\"dtype\":\"F32\"},"
             "\"__metadata__\":{\"k\\n\":\"\\ud83d\\ude00\"},"
             "\"a\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]},"
             "\"none\":{\"dtype\":\"I8\",\"shape\":[0,3],\"data_offsets\":[12,12]}}  ",
             12);
    assert_int_equal(fov_weights_parse(file, bytes, "m.safetensors", &st, NULL), FOV_OK);
    assert_int_equal(fov_weights_count(st), 3);
    assert_string_equal(fov_weights_at(st, 0)->name, "a");
    const struct fov_tensor *const b = fov_weights_find(st, "b\xc3\xa4");
    assert_non_null(b);
    assert_int_equal(b->n_dims, 2);
    assert_int_equal(b->dims[1], 2);
    assert_int_equal(b->n_elements, 2);
    assert_int_equal(b->data[0], 5);
    assert_null(fov_weights_find(st, "c"));
    assert_int_equal(fov_weights_n_metadata(st), 1);
    fov_weights_metadata_at(st, 0, &key, &value);
    assert_string_equal(key, "k\n");
    assert_string_equal(value, "\xf0\x9f\x98\x80");
    fov_weights_close(st);
    fov_weights_close(NULL);
}

static void headers_are_json(void **state)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{",
        "{\"a\"}",
        "{\"a\":1}",
        "{\"a\":{}}",
        "{} x",
        "{\"a\":{\"dtype\":\"F16\",\"shape\":[2]}}",
        "{\"a\":{\"dtype\":\"F16\",\"shape\":[2],\"shape\":[2],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4],\"more\":1}}",
        "{\"a\":{\"dtype\":\"F16\",\"shape\":[-2],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F16\",\"shape\":[02],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F16\",\"shape\":[2.0],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F16\",\"shape\":[1,1,1,1,1,1],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F16\",\"shape\":[99999999999999999999],\"data_offsets\":[0,4]}}",
        "{\"a\\x\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]}}",
        "{\"a\\u0000\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]}}",
        "{\"\\ud800\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]}}",
        "{\"a\n\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]},}",
        "{\"__metadata__\":{\"k\":1}}",
    };
    (void)state;
    for (size_t i = 0; i < FOV_N_ELEMENTS(bad); i++)
        assert_refused(bad[i], 4, NOT_JSON);
}

static void tensors_lie_in_the_data(void **state)
{
    (void)state;
    assert_refused(T("[0,4]"), 3,
                   "m.safetensors: tensor a ends at byte 4 of 3: the file is truncated or damaged");
    assert_refused(T("[4,0]"), 4,
                   "m.safetensors: tensor a ends at byte 0 of 4: the file is truncated or damaged");
    assert_refused(
        T("[0,18446744073709551615]"), 4,
        "m.safetensors: tensor a ends at byte 18446744073709551615 of 4: the file is truncated or "
        "damaged");
    assert_refused(
        T("[0,3]"), 4,
        "m.safetensors: tensor a has 3 bytes, which is not what its shape and type F16 ask for");
    assert_refused(T("[0,4]"), 5, "m.safetensors: 1 bytes after the last tensor belong to none");
    assert_refused(T("[1,5]"), 5, "m.safetensors: there is a hole of 1 bytes before tensor a");
    assert_refused("{\"a\":{\"dtype\":\"F4\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4,
                   "m.safetensors: tensor a has the unknown type F4");
    assert_refused("{\"a\":{\"dtype\":\"F16\",\"shape\":[4294967296,4294967296,2],"
                   "\"data_offsets\":[0,4]}}",
                   4, "m.safetensors: tensor a is larger than memory");
    assert_refused("{\"a\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]},"
                   "\"b\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[2,6]}}",
                   6, "m.safetensors: tensors a and b overlap");
    assert_refused("{\"a\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]},"
                   "\"a\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[4,8]}}",
                   8, "m.safetensors: tensor a appears twice");
    assert_refused("{}", 0, "m.safetensors: holds no tensors");
}

static void lengths_are_checked(void **state)
{
    unsigned char file[MAX_BYTES];
    struct fov_weights *st = NULL;
    struct fov_err err = {0};
    const size_t bytes = make(file, T("[0,4]"), 4);
    (void)state;

    assert_int_equal(fov_weights_parse(file, 7, "m.safetensors", &st, &err), FOV_EMODEL);
    assert_string_equal(err.text, "m.safetensors: not a .safetensors file: only 7 bytes long");
    err = (struct fov_err){0};
    file[0]++; /* the header now reaches one byte into the data: still inside the file */
    assert_int_equal(fov_weights_parse(file, bytes, "m.safetensors", &st, NULL), FOV_EMODEL);
    file[1] = 1;
    assert_int_equal(fov_weights_parse(file, bytes, "m.safetensors", &st, &err), FOV_EMODEL);
    assert_non_null(strstr(err.text, "is longer than the file: it is truncated or damaged"));
    err = (struct fov_err){0};
    file[6] = 1;
    assert_int_equal(fov_weights_parse(file, bytes, "m.safetensors", &st, &err), FOV_EMODEL);
    assert_non_null(strstr(err.text, "the limit is 16777216"));
    for (size_t cut = 0; cut < bytes; cut++) { /* every truncation */
        (void)make(file, T("[0,4]"), 4);
        assert_int_equal(fov_weights_parse(file, cut, "m.safetensors", &st, NULL), FOV_EMODEL);
    }
    assert_null(st);
}

/* F16, BF16 and F32 bit patterns with the values that IEEE 754 gives them. */
static void numbers_are_converted(void **state)
{
    static const unsigned char data[] = {
        0x00, 0x3c, 0x01, 0x00, 0x00, 0xc0, 0xff, 0x7b, /* F16: 1, 2^-24, -2, 65504 */
        0x80, 0x3f, 0x20, 0xc1,                         /* BF16: 1, -10 */
        0x00, 0x00, 0xc0, 0x3f,                         /* F32: 1.5 */
    };
    static const char header[] =
        "{\"h\":{\"dtype\":\"F16\",\"shape\":[4],\"data_offsets\":[0,8]},"
        "\"b\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[8,12]},"
        "\"f\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[12,16]}}";
    unsigned char file[MAX_BYTES];
    struct fov_weights *st;
    float v[4];
    (void)state;

    const size_t bytes = make(file, header, sizeof(data));
    memcpy(file + 8 + strlen(header), data, sizeof(data));
    assert_int_equal(fov_weights_parse(file, bytes, "m.safetensors", &st, NULL), FOV_OK);
    assert_int_equal(fov_tensor_read(st, fov_weights_find(st, "h"), v, NULL), FOV_OK);
    assert_true(v[0] == 1.0f && v[1] == 0x1p-24f && v[2] == -2.0f && v[3] == 65504.0f);
    assert_int_equal(fov_tensor_read(st, fov_weights_find(st, "b"), v, NULL), FOV_OK);
    assert_true(v[0] == 1.0f && v[1] == -10.0f);
    assert_int_equal(fov_tensor_read(st, fov_weights_find(st, "f"), v, NULL), FOV_OK);
    assert_true(v[0] == 1.5f);
    fov_weights_close(st);
}

static void odd_numbers_are_refused(void **state)
{
    unsigned char file[MAX_BYTES];
    struct fov_weights *st;
    struct fov_err err = {0};
    float v[2];
    (void)state;

    size_t bytes = make(file, T("[0,4]"), 4);
    file[bytes - 1] = 0x7e; /* NaN */
    assert_int_equal(fov_weights_parse(file, bytes, "m.safetensors", &st, NULL), FOV_OK);
    assert_int_equal(fov_tensor_read(st, fov_weights_at(st, 0), v, &err), FOV_EMODEL);
    assert_string_equal(err.text, "m.safetensors: tensor a holds a number that is not finite");
    fov_weights_close(st);

    err = (struct fov_err){0};
    bytes = make(file, "{\"a\":{\"dtype\":\"I16\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4);
    assert_int_equal(fov_weights_parse(file, bytes, "m.safetensors", &st, NULL), FOV_OK);
    assert_int_equal(fov_tensor_read(st, fov_weights_at(st, 0), v, &err), FOV_EMODEL);
    assert_string_equal(err.text,
                        "m.safetensors: tensor a is I16; weights are F64, F32, F16 or BF16");
    fov_weights_close(st);
}

/* ---- networks ---------------------------------------------------------------------------- */

static void assert_no_network(const char *header, size_t n, const char *why)
{
    unsigned char file[MAX_BYTES];
    struct fov_graph *const graph = fov_calloc(1, sizeof(*graph));
    struct fov_weights *st;
    struct fov_err err = {0};
    const size_t bytes = make(file, header, n);
    assert_non_null(graph);
    assert_int_equal(fov_weights_parse(file, bytes, "m.safetensors", &st, NULL), FOV_OK);
    assert_int_equal(fov_arch_build(st, graph, &err), FOV_EMODEL);
    assert_string_equal(err.text, why);
    fov_weights_close(st);
    fov_free(graph);
}

#define TENSOR(name, shape, range)                                                                 \
    "\"" name "\":{\"dtype\":\"I8\",\"shape\":" shape ",\"data_offsets\":" range "}"

static void graphs_are_checked(void **state)
{
    (void)state;
    assert_no_network(
        "{" TENSOR("conv.weight", "[1]", "[0,1]") "}", 1,
        "m.safetensors: no known network (Fovea residual, SRVGGNetCompact, ESRGAN, SPAN, EDSR); "
        "its tensors begin conv.weight");
    assert_no_network("{" TENSOR("body.0.weight", "[3,3,3,3]",
                                 "[0,81]") "," TENSOR("body.0.bias", "[2]", "[81,83]") "}",
                      83, "m.safetensors: tensor body.0.bias should be a list of 3 numbers");
    assert_no_network(
        "{" TENSOR("body.0.weight", "[3,3,5,5]", "[0,225]") "," TENSOR("body.0.bias", "[3]",
                                                                       "[225,228]") "}",
        228,
        "m.safetensors: tensor body.0.weight is not a 3x3 or 1x1 convolution of 1 to 1024 "
        "channels");
    assert_no_network(
        "{" TENSOR("body.0.weight", "[5,3,3,3]", "[0,135]") "," TENSOR("body.0.bias", "[5]",
                                                                       "[135,140]") "}",
        140,
        "m.safetensors: its last layer has 5 channels; 3, 12, 27 or 48 (scale 1 to 4) are "
        "supported");
    assert_no_network(
        "{" TENSOR("body.0.weight", "[3,4,3,3]", "[0,108]") "," TENSOR("body.0.bias", "[3]",
                                                                       "[108,111]") "}",
        111,
        "m.safetensors: tensor body.0.weight takes 4 channels where the layer before it has 3");
    assert_no_network(
        "{" TENSOR("body.0.weight", "[3,3,3,3]", "[0,81]") "," TENSOR(
            "body.0.bias", "[3]", "[81,84]") "," TENSOR("x", "[1]", "[84,85]") "}",
        85,
        "m.safetensors: looks like a compact network, which has 2 tensors of these sizes, but "
        "holds 3");
    assert_no_network(
        "{" TENSOR("head.weight", "[3,3,3,3]", "[0,81]") "," TENSOR(
            "body.0.a.weight", "[1]", "[81,82]") "," TENSOR("tail.weight", "[1]", "[82,83]") "}",
        83, "m.safetensors: looks like a residual network but has no tensor body.0.act.weight");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_file_is_read),       cmocka_unit_test(headers_are_json),
        cmocka_unit_test(tensors_lie_in_the_data), cmocka_unit_test(lengths_are_checked),
        cmocka_unit_test(numbers_are_converted),   cmocka_unit_test(odd_numbers_are_refused),
        cmocka_unit_test(graphs_are_checked),
    };
    return cmocka_run_group_tests_name("safetensors", tests, NULL, NULL);
}
