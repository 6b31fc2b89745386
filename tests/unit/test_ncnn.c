/* SPDX-License-Identifier: Apache-2.0 */
/* test_ncnn.c -- pairs of ncnn's files that hold a known network, and every way of not being that.
 *
 * usage: test_ncnn VECTORS_FOLDER; its .ncnn.param and .ncnn.bin files were made by
 * make_formats.py. A test takes one and changes a word of it.
 */
#include "tests/unit/cmocka_all.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "net/ncnn_param.h"
#include "net/weights.h"
#include "tests/unit/out.h"

static const char *vectors;

/* A whole file of the vectors. */
static struct out *load(const char *name)
{
    struct out *const o = fov_calloc(1, sizeof(*o));
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/%s", vectors, name);
    FILE *const f = fopen(path, "rb");
    assert_non_null(o);
    if (!f)
        fail_msg("%s cannot be opened", path);
    o->n = fread(o->at, 1, sizeof(o->at) - 1, f);
    assert_true(o->n < sizeof(o->at) - 1);
    (void)fclose(f);
    return o;
}

/* Put `to` in place of the first `from` after the first `after`. */
static void replace(struct out *o, const char *after, const char *from, const char *to)
{
    const size_t n_from = strlen(from), n_to = strlen(to);
    char *at = strstr((char *)o->at, after);
    assert_non_null(at);
    at = strstr(at, from);
    if (!at)
        fail_msg("there is no '%s' after '%s'", from, after);
    const size_t rest = o->n - (size_t)((unsigned char *)at - o->at) - n_from;
    assert_true(o->n + n_to < sizeof(o->at));
    memmove(at + n_to, at + n_from, rest + 1);
    memcpy(at, to, n_to);
    o->n += n_to - n_from;
}

static enum fov_code parse(const struct out *param, size_t param_bytes, const struct out *bin,
                           size_t bin_bytes, struct fov_weights **w, struct fov_err *err)
{
    unsigned char *const p = exactly(param->at, param_bytes), *const b =
                                                                  exactly(bin->at, bin_bytes);
    const enum fov_code rc = fov_weights_parse_ncnn(p, param_bytes, b, bin_bytes, "m", w, err);
    if (rc)
        assert_null(*w);
    fov_free(p);
    fov_free(b);
    return rc;
}

static void assert_refused(const struct out *param, const struct out *bin, const char *why)
{
    struct fov_weights *w = NULL;
    struct fov_err err = {0};
    assert_int_equal(parse(param, param->n, bin, bin->n, &w, &err), FOV_EMODEL);
    assert_string_equal(err.text, why);
}

/* ---- networks ---------------------------------------------------------------------------- */

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

/* All tensors are those of the network they were made from, by name. */
static void assert_same(const struct fov_weights *file, const char *model_name)
{
    struct fov_weights *const model = open_vector(model_name);
    assert_int_equal(fov_weights_count(file), fov_weights_count(model));
    for (size_t i = 0; i < fov_weights_count(model); i++) {
        const struct fov_tensor *const a = fov_weights_at(model, i);
        const struct fov_tensor *const b = fov_weights_find(file, a->name);
        if (!b)
            fail_msg("there is no tensor %s", a->name);
        assert_string_equal(a->dtype, b->dtype);
        assert_int_equal(a->n_dims, b->n_dims);
        assert_memory_equal(a->dims, b->dims, (size_t)a->n_dims * sizeof(*a->dims));
        assert_int_equal(a->n_elements, b->n_elements);
        assert_int_equal(a->bytes, b->bytes);
        assert_memory_equal(a->data, b->data, a->bytes);
    }
    fov_weights_close(model);
}

static void assert_same_pair(const char *param_name, const char *bin_name, const char *model_name)
{
    struct out *const param = load(param_name), *const bin = load(bin_name);
    struct fov_weights *w = NULL;
    struct fov_err err = {0};
    if (fov_weights_parse_ncnn(param->at, param->n, bin->at, bin->n, "m", &w, &err))
        fail_msg("%s: %s", param_name, err.text);
    assert_same(w, model_name);
    fov_weights_close(w);
    fov_free(param);
    fov_free(bin);
}

static void networks_get_their_names(void **state)
{
    (void)state;
    assert_same_pair("compact.ncnn.param", "compact.ncnn.bin", "compact.model.safetensors");
    assert_same_pair("compact-shrunk.ncnn.param", "compact.ncnn.bin", "compact.model.safetensors");
    assert_same_pair("rrdbnet.ncnn.param", "rrdbnet.ncnn.bin", "rrdbnet.model.safetensors");
    assert_same_pair("rrdbnet-plain.ncnn.param", "rrdbnet.ncnn.bin", "rrdbnet.model.safetensors");
}

/* With one enlargement less the network is for 2x, and its enlargements are counted anew. */
static void enlargements_are_counted(void **state)
{
    struct out *const param = load("rrdbnet.ncnn.param"), *const bin = load("rrdbnet.ncnn.bin");
    struct fov_weights *w = NULL;
    struct fov_err err = {0};
    (void)state;
    replace(param, "96 165", "96 165", "94 163");
    replace(param, "BinaryOp_65 ", "Interp                   Interp_66", "#");
    char *const begin = strchr((char *)param->at, '#');
    const char *const next = strstr(begin, "Interp   ");
    memmove(begin, next, strlen(next) + 1);
    param->n = strlen((char *)param->at);
    replace(param, "Interp_68 ", "67 68", "65 68");
    bin->n -=
        4 + 164 + 12; /* all convolutions here are of one size; which is missing is the same */
    if (fov_weights_parse_ncnn(param->at, param->n, bin->at, bin->n, "m", &w, &err))
        fail_msg("%s", err.text);
    assert_non_null(fov_weights_find(w, "conv_up1.weight"));
    assert_null(fov_weights_find(w, "conv_up2.weight"));
    assert_non_null(fov_weights_find(w, "body.1.rdb3.conv5.bias"));
    fov_weights_close(w);
    fov_free(param);
    fov_free(bin);
}

static void either_file_may_be_named(void **state)
{
    static const char *const names[] = {"compact.ncnn.param", "compact.ncnn.bin"};
    (void)state;
    for (size_t i = 0; i < FOV_N_ELEMENTS(names); i++) {
        struct fov_weights *const w = open_vector(names[i]);
        assert_same(w, "compact.model.safetensors");
        assert_non_null(strstr(fov_weights_name(w), names[i]));
        fov_weights_close(w);
    }
}

static void other_halves_are_asked_for(void **state)
{
    struct fov_weights *w = NULL;
    struct fov_err err = {0};
    char path[1024], why[2200];
    (void)state;
    (void)snprintf(path, sizeof(path), "%s/rrdbnet-plain.ncnn.param", vectors);
    (void)snprintf(why, sizeof(why),
                   "%s: one of a pair of files of ncnn; the other: %s/rrdbnet-plain.ncnn.bin: "
                   "cannot open this model: No such file or directory",
                   path, vectors);
    assert_int_equal(fov_weights_open(path, &w, &err), FOV_EMODEL);
    assert_string_equal(err.text, why);
    assert_null(w);

    struct out *const param = load("compact.ncnn.param");
    err = (struct fov_err){0};
    assert_int_equal(fov_weights_parse(param->at, param->n, "m", &w, &err), FOV_EMODEL);
    assert_string_equal(err.text, "m: an ncnn network is a pair of files, NAME.param and NAME.bin");
    fov_free(param);
}

/* What may be written in several ways, or in another order, and is the same network. */
static void spellings_are_known(void **state)
{
    static const struct {
        const char *file, *after, *from, *to;
    } same[] = {
        {"compact", "Input", " data\n", " data 0=64 1=64 2=3\n"},
        {"compact", "7767517", "\n", "\r\n"},
        {"compact", "output\n", "\n", "\r\n \n\n"},
        {"compact", "output\n", "\n", ""},
        {"compact", "BinaryOp", "10 11 output", "11 10 output"},
        {"compact", "BinaryOp", "output", "anything 0=0 1=0 2=0.0"},
        {"compact", "BinaryOp ",
         "BinaryOp                 BinaryOp_12              2 1 10 11 output",
         "Eltwise sum 2 1 10 11 output 0=1"},
        {"compact", "BinaryOp ",
         "BinaryOp                 BinaryOp_12              2 1 10 11 output",
         "Eltwise sum 2 1 10 11 output 0=1 -23301=2,1.0,1.0"},
        {"compact", "BinaryOp ",
         "BinaryOp                 BinaryOp_12              2 1 10 11 output",
         "Eltwise sum 2 1 10 11 output 0=1 -23301=0"},
        {"compact", "Interp", "2.000000e+00 2=2.000000e+00", "2.0 2=2 3=0 4=0 6=0"},
        {"compact", "Interp", "2.000000e+00 2=2.000000e+00", "20E-1 2=.2e+01"},
        {"rrdbnet", "Convolution_2 ", "-23310=1,2.000000e-01", "10=0.2"},
        {"rrdbnet", "Convolution_2 ", "-23310=1,2.000000e-01", "-23310=1,200.0E-03"},
        {"rrdbnet", "Convolution_2 ", "9=2 -23310=1,2.000000e-01", "-23310=1,0.2 9=2 18=0.0"},
        {"rrdbnet", "Eltwise_11 ", "10 1_splitncnn_2 11 0=1 -23301=2,2.000000e-01,1.000000e+00",
         "1_splitncnn_2 10 11 0=1 1=1.0,2.0e-01"},
        {"rrdbnet", "BinaryOp_65 ", "1_splitncnn_0 64", "64 1_splitncnn_0"},
        {"rrdbnet-plain", "BinaryOp_16 ", "15 1_splitncnn_2", "1_splitncnn_2 15"},
    };
    (void)state;
    for (size_t i = 0; i < FOV_N_ELEMENTS(same); i++) {
        char name[64];
        const bool compact = !strcmp(same[i].file, "compact");
        (void)snprintf(name, sizeof(name), "%s.ncnn.param", same[i].file);
        struct out *const param = load(name);
        struct out *const bin = load(compact ? "compact.ncnn.bin" : "rrdbnet.ncnn.bin");
        struct fov_weights *w = NULL;
        struct fov_err err = {0};
        replace(param, same[i].after, same[i].from, same[i].to);
        if (fov_weights_parse_ncnn(param->at, param->n, bin->at, bin->n, "m", &w, &err))
            fail_msg("%s: %s", same[i].to, err.text);
        assert_same(w, compact ? "compact.model.safetensors" : "rrdbnet.model.safetensors");
        fov_weights_close(w);
        fov_free(param);
        fov_free(bin);
    }
}

#define NOT_THERE(layer)                                                                           \
    "m: an ncnn network that is not known here: layer " layer " is not where it is "               \
    "in " FOV_NCNN_KNOWN

struct change {
    const char *after, *from, *to, *why;
};

/* Each change makes another network, or a file that is none. */
static void assert_all_refused(const char *param_name, const char *bin_name,
                               const struct change *changes, size_t n)
{
    struct out *const bin = load(bin_name);
    for (size_t i = 0; i < n; i++) {
        struct out *const param = load(param_name);
        replace(param, changes[i].after, changes[i].from, changes[i].to);
        assert_refused(param, bin, changes[i].why);
        fov_free(param);
    }
    fov_free(bin);
}

static void other_compact_networks_are_refused(void **state)
{
    static const struct change changes[] = {
        {"Interp", "0=1", "0=2", NOT_THERE("Interp_11 (Interp)")},
        {"Interp", "1=2.0", "1=3.0", NOT_THERE("Interp_11 (Interp)")},
        {"Interp", "2=2.0", "2=3.0", NOT_THERE("Interp_11 (Interp)")},
        {"Interp", "data_splitncnn_0", "10", NOT_THERE("Interp_11 (Interp)")},
        {"PixelShuffle", "0=2", "0=3", NOT_THERE("Interp_11 (Interp)")},
        {"PixelShuffle", "0=2", "0=2.5", NOT_THERE("PixelShuffle_10 (PixelShuffle)")},
        {"PixelShuffle", "0=2", "0=5", NOT_THERE("PixelShuffle_10 (PixelShuffle)")},
        {"Convolution_9", "0=12", "0=27", NOT_THERE("Convolution_9 (Convolution)")},
        {"BinaryOp", "output", "output 0=2", NOT_THERE("BinaryOp_12 (BinaryOp)")},
        {"BinaryOp", "2 1 10 11", "1 1 10", NOT_THERE("Interp_11 (Interp)")},
        {"BinaryOp", "output", "output 1=1", NOT_THERE("BinaryOp_12 (BinaryOp)")},
        {"BinaryOp", "10 11", "11 11", NOT_THERE("PixelShuffle_10 (PixelShuffle)")},
        {"Convolution_3", "6=5184", "6=5184 9=1", NOT_THERE("Convolution_3 (Convolution)")},
        {"PReLU_4", "0=24", "0=1", NOT_THERE("PReLU_4 (PReLU)")},
        {"PReLU_4", "3 4", "2 4", NOT_THERE("Convolution_3 (Convolution)")},
        {"PReLU_4", "PReLU_4                  1 1 3 4 0=24", "p 1 1 3 4 0=24\nPReLU q 1 1 4 x 0=24",
         "m: not a .param file of ncnn: line 17 is more than the layers that were promised"},
        {"14 15", "14", "13",
         "m: not a .param file of ncnn: line 16 is more than the layers that "
         "were promised"},
        {"BinaryOp", "BinaryOp                 BinaryOp_12              2 1 10 11 output\n", "",
         "m: not a .param file of ncnn: line 16 is not TYPE NAME INPUTS OUTPUTS ..."},
    };
    (void)state;
    assert_all_refused("compact.ncnn.param", "compact.ncnn.bin", changes, FOV_N_ELEMENTS(changes));
}

static void other_dense_networks_are_refused(void **state)
{
    static const struct change changes[] = {
        {"Convolution_2 ", "2.0", "1.0", NOT_THERE("Convolution_2 (Convolution)")},
        {"Convolution_2 ", "9=2", "9=1", NOT_THERE("Convolution_2 (Convolution)")},
        {"Convolution_10 ", "6=297", "6=297 9=2 10=0.2", NOT_THERE("Convolution_10 (Convolution)")},
        {"Convolution_70 ", " 9=2 -23310=1,2.000000e-01", "",
         NOT_THERE("Convolution_70 (Convolution)")},
        {"Convolution_71 ", "6=81", "6=81 9=2 10=0.2", NOT_THERE("Convolution_71 (Convolution)")},
        {"Eltwise_11 ", "2.0", "3.0", NOT_THERE("Eltwise_11 (Eltwise)")},
        {"Eltwise_11 ", "1.000000e+00", "0.9", NOT_THERE("Eltwise_11 (Eltwise)")},
        {"Eltwise_11 ", "2.000000e-01,1.000000e+00", "1.0,0.2", NOT_THERE("input.1 (Input)")},
        {"Eltwise_11 ", " -23301=2,2.000000e-01,1.000000e+00", "",
         NOT_THERE("Eltwise_11 (Eltwise)")},
        {"Concat_3 ", "1_splitncnn_6 2_splitncnn_3", "2_splitncnn_3 1_splitncnn_6",
         NOT_THERE("Concat_3 (Concat)")},
        {"Concat_9 ", "4_splitncnn_0 6_splitncnn_0", "6_splitncnn_0 4_splitncnn_0",
         NOT_THERE("Concat_7 (Concat)")},
        {"Concat_9 ", "5 1 1_splitncnn_3 2_splitncnn_0", "4 1 2_splitncnn_0",
         NOT_THERE("Concat_9 (Concat)")},
        {"Concat_7 ", "4 1 1_splitncnn_4 2_splitncnn_1", "3 1 2_splitncnn_1",
         NOT_THERE("Concat_7 (Concat)")},
        {"Convolution_12 ", "11_splitncnn_5", "1_splitncnn_5", NOT_THERE("Eltwise_21 (Eltwise)")},
        {"Eltwise_21 ", "11_splitncnn_0", "1_splitncnn_0", NOT_THERE("Eltwise_21 (Eltwise)")},
        {"Eltwise_63 ", "32_splitncnn_0", "1_splitncnn_0", NOT_THERE("Eltwise_63 (Eltwise)")},
        {"Convolution_64 ", "63", "62", NOT_THERE("Eltwise_63 (Eltwise)")},
        {"Convolution_64 ", "63", "data", NOT_THERE("Eltwise_63 (Eltwise)")},
        {"BinaryOp_65 ", "1_splitncnn_0", "32_splitncnn_0", NOT_THERE("Eltwise_32 (Eltwise)")},
        {"BinaryOp_65 ", "1_splitncnn_0 64", "1_splitncnn_0 1_splitncnn_0",
         NOT_THERE("Convolution_64 (Convolution)")},
        {"Interp_66 ", "0=1", "0=2", NOT_THERE("Interp_66 (Interp)")},
        {"Interp_68 ", "1=2.0", "1=4.0", NOT_THERE("Interp_68 (Interp)")},
        {"Convolution_69 ", " 68 69 ", " 67 69 ", NOT_THERE("Interp_68 (Interp)")},
        {"Convolution_71 ", "6=81\n", "6=81\nReLU r 1 1 output end",
         "m: not a .param file of ncnn: line 99 is more than the layers that were promised"},
        {"96 165", "96", "97",
         "m: not a .param file of ncnn: line 99 is not TYPE NAME INPUTS OUTPUTS ..."},
    };
    static const struct change plain[] = {
        {"ReLU_3 ", "2.0", "1.0", NOT_THERE("ReLU_3 (ReLU)")},
        {"ReLU_3 ", " 0=2.000000e-01", "", NOT_THERE("ReLU_3 (ReLU)")},
        {"BinaryOp_15 ", "0=2", "0=0", NOT_THERE("BinaryOp_16 (BinaryOp)")},
        {"BinaryOp_15 ", "2=2.0", "2=1.0", NOT_THERE("BinaryOp_16 (BinaryOp)")},
        {"BinaryOp_15 ", "1=1", "1=0", NOT_THERE("BinaryOp_16 (BinaryOp)")},
        {"BinaryOp_16 ", "0=0", "0=1", NOT_THERE("BinaryOp_16 (BinaryOp)")},
        {"BinaryOp_16 ", "15 1_splitncnn_2", "1_splitncnn_2 1_splitncnn_2",
         NOT_THERE("BinaryOp_15 (BinaryOp)")},
    };
    (void)state;
    assert_all_refused("rrdbnet.ncnn.param", "rrdbnet.ncnn.bin", changes, FOV_N_ELEMENTS(changes));
    assert_all_refused("rrdbnet-plain.ncnn.param", "rrdbnet.ncnn.bin", plain,
                       FOV_N_ELEMENTS(plain));
}

/* ---- the text ---------------------------------------------------------------------------- */

#define PARAMETER(layer, type, key, value, only)                                                   \
    "m: layer " layer " (" type ") has " value " for the parameter " key "; only " only            \
    " is supported"
#define LINE(n, what) "m: not a .param file of ncnn: line " n " " what
#define NO_NUMBER     "has a parameter that is not KEY=NUMBER"

static void other_parameters_are_refused(void **state)
{
    static const struct change changes[] = {
        {"Convolution_1 ", "1=3", "1=5", PARAMETER("Convolution_1", "Convolution", "1", "5", "3")},
        {"Convolution_1 ", "1=3 ", "", PARAMETER("Convolution_1", "Convolution", "1", "0", "3")},
        {"Convolution_1 ", "1=3", "1=3 11=1",
         PARAMETER("Convolution_1", "Convolution", "11", "1", "3")},
        {"Convolution_1 ", "1=3", "1=3 2=2",
         PARAMETER("Convolution_1", "Convolution", "2", "2", "1")},
        {"Convolution_1 ", "1=3", "1=3 12=2",
         PARAMETER("Convolution_1", "Convolution", "12", "2", "1")},
        {"Convolution_1 ", "1=3", "1=3 3=2",
         PARAMETER("Convolution_1", "Convolution", "3", "2", "1")},
        {"Convolution_1 ", "1=3", "1=3 13=2",
         PARAMETER("Convolution_1", "Convolution", "13", "2", "1")},
        {"Convolution_1 ", "4=1", "4=0", PARAMETER("Convolution_1", "Convolution", "4", "0", "1")},
        {"Convolution_1 ", "4=1 ", "", PARAMETER("Convolution_1", "Convolution", "4", "0", "1")},
        {"Convolution_1 ", "4=1", "4=-233",
         PARAMETER("Convolution_1", "Convolution", "4", "-233", "1")},
        {"Convolution_1 ", "4=1", "4=1 14=0",
         PARAMETER("Convolution_1", "Convolution", "14", "0", "1")},
        {"Convolution_1 ", "4=1", "4=1 15=0",
         PARAMETER("Convolution_1", "Convolution", "15", "0", "1")},
        {"Convolution_1 ", "4=1", "4=1 16=0",
         PARAMETER("Convolution_1", "Convolution", "16", "0", "1")},
        {"Convolution_1 ", "5=1", "5=0", PARAMETER("Convolution_1", "Convolution", "5", "0", "1")},
        {"Convolution_1 ", "5=1", "5=1 8=1",
         PARAMETER("Convolution_1", "Convolution", "8", "1", "0")},
        {"Convolution_1 ", "5=1", "5=1 18=0.5",
         PARAMETER("Convolution_1", "Convolution", "18", "0.5", "0")},
        {"Convolution_1 ", "5=1", "5=1 19=1",
         PARAMETER("Convolution_1", "Convolution", "19", "1", "0")},
        {"Interp", "0=1", "0=1 3=64", PARAMETER("Interp_11", "Interp", "3", "64", "0")},
        {"Interp", "0=1", "0=1 4=64", PARAMETER("Interp_11", "Interp", "4", "64", "0")},
        {"Interp", "0=1", "0=1 5=1", PARAMETER("Interp_11", "Interp", "5", "1", "0")},
        {"Interp", "0=1", "0=1 6=1", PARAMETER("Interp_11", "Interp", "6", "1", "0")},
        {"PixelShuffle", "0=2", "0=2 1=1",
         PARAMETER("PixelShuffle_10", "PixelShuffle", "1", "1", "0")},
        {"Convolution_1 ", "5=1", "5=1 7=3",
         "m: layer Convolution_1 (Convolution) has the parameter 7, which is not known here"},
        {"Convolution_1 ", "5=1", "5=1 20=3",
         "m: layer Convolution_1 (Convolution) has the parameter 20, which is not known here"},
        {"Convolution_1 ", "5=1", "5=1 -1=3",
         "m: layer Convolution_1 (Convolution) has the parameter -1, which is not known here"},
        {"Convolution_1 ", "5=1", "5.5=1",
         "m: layer Convolution_1 (Convolution) has the parameter 5.5, which is not known here"},
        {"PReLU_2 ", "0=24", "0=24 1=1",
         "m: layer PReLU_2 (PReLU) has the parameter 1, which is not known here"},
        {"PixelShuffle", "PixelShuffle ", "Reorg ",
         "m: an ncnn network with a layer of type Reorg; " FOV_NCNN_KNOWN " are supported"},
    };
    (void)state;
    assert_all_refused("compact.ncnn.param", "compact.ncnn.bin", changes, FOV_N_ELEMENTS(changes));
    static const struct change dense[] = {
        {"Eltwise_11 ", "0=1", "0=0", PARAMETER("Eltwise_11", "Eltwise", "0", "0", "1")},
        {"Eltwise_11 ", " 0=1", "", PARAMETER("Eltwise_11", "Eltwise", "0", "0", "1")},
        {"Concat_3 ", "3\n", "3 0=1\n", PARAMETER("Concat_3", "Concat", "0", "1", "0")},
    };
    assert_all_refused("rrdbnet.ncnn.param", "rrdbnet.ncnn.bin", dense, FOV_N_ELEMENTS(dense));
}

static void lines_are_what_they_should_be(void **state)
{
    static const struct change changes[] = {
        {"7767517", "7767517\n14 15", "7767517\n4097 15",
         LINE("2", "is not its magic number, or the counts of layers and blobs")},
        {"7767517", "7767517\n14 15", "7767517\n14",
         LINE("2", "is not its magic number, or the counts of layers and blobs")},
        {"7767517", "7767517\n", "7767517 1\n",
         LINE("1", "is not its magic number, or the counts of layers and blobs")},
        {"7767517", "7767517\n", "77675170\n",
         LINE("1", "is not its magic number, or the counts of layers and blobs")},
        {"7767517", "14 15", "14 14", LINE("16", "makes more blobs than were promised")},
        {"7767517", "14 15", "14 x",
         LINE("2", "is not its magic number, or the counts of layers and blobs")},
        {"Split", "1 2 data", "1 3 data", LINE("4", "is shorter than it says")},
        {"Split", "1 2 data", "2 2 data", LINE("4", "has an impossible number of inputs")},
        {"Split", "1 2 data", "1 99999 data", LINE("4", "is not TYPE NAME INPUTS OUTPUTS ...")},
        {"Split", "1 2 data", "1 4 data", LINE("4", "is shorter than it says")},
        {"Split", "1 2 data", "1 1 data", LINE("4", "is longer than it says")},
        {"Split", "1 2 data", "1 -2 data", LINE("4", "is not TYPE NAME INPUTS OUTPUTS ...")},
        {"PReLU_2", "1 1 1 2", "2 1 1 1 2",
         LINE("6", "has an impossible number of inputs or outputs")},
        {"PReLU_2", "1 1 1 2", "1 2 1 2 x",
         LINE("6", "has an impossible number of inputs or outputs")},
        {"PReLU_2", "1 1 1 2", "1 0 1", LINE("6", "has an impossible number of inputs or outputs")},
        {"PReLU_2", "1 1 1 2", "1 1 11 2", LINE("6", "reads what no line before it makes")},
        {"PReLU_2", "1 1 1 2", "1 1 2 2", LINE("6", "reads what no line before it makes")},
        {"PReLU_2", "1 1 1 2", "1 1 1 1", LINE("6", "makes what another line makes")},
        {"PReLU_2", "1 1 1 2 0=24", "1 1 1", LINE("6", "is shorter than it says")},
        {"PReLU_2", "1 1 1 2 0=24", "1 1", LINE("6", "is shorter than it says")},
        {"PReLU_2", "0=24", "0", LINE("6", NO_NUMBER)},
        {"PReLU_2", "0=24", "0=", LINE("6", NO_NUMBER)},
        {"PReLU_2", "0=24", "0=24x", LINE("6", NO_NUMBER)},
        {"PReLU_2", "0=24", "0=2e", LINE("6", NO_NUMBER)},
        {"PReLU_2", "0=24", "0=2e123", LINE("6", NO_NUMBER)},
        {"PReLU_2", "0=24", "0=-", LINE("6", NO_NUMBER)},
        {"PReLU_2", "0=24", "0=.", LINE("6", NO_NUMBER)},
        {"PReLU_2", "0=24", "0=nan", LINE("6", NO_NUMBER)},
        {"PReLU_2", "0=24", "0=1234567890123456789", LINE("6", NO_NUMBER)},
        {"PReLU_2", "0=24", "0=1,2,3,4,5", LINE("6", NO_NUMBER)},
        {"PReLU_2", "0=24", "0=1,", LINE("6", NO_NUMBER)},
        {"PReLU_2", "0=24", "0=24,24", LINE("6", "has a list where a number should be")},
        {"PReLU_2", "0=24", "-23300=2,24", LINE("6", NO_NUMBER)},
        {"PReLU_2", "0=24", "-23300=1", LINE("6", NO_NUMBER)},
        {"PReLU_2", "0=24", "-23300=1;24", LINE("6", NO_NUMBER)},
        {"PReLU_2", "0=24", "-23300", LINE("6", NO_NUMBER)},
    };
    (void)state;
    assert_all_refused("compact.ncnn.param", "compact.ncnn.bin", changes, FOV_N_ELEMENTS(changes));
}

static void odd_networks_are_refused(void **state)
{
    struct out *const param = load("compact.ncnn.param"), *const bin = load("compact.ncnn.bin");
    (void)state;
    memset(param, 0, sizeof(*param));
    PUT(param, "7767517\n0 0\n");
    assert_refused(param, bin, "m: holds no layers");
    memset(param, 0, sizeof(*param));
    PUT(param, "7767517\n1 1\nInput x 0 1 data\n");
    assert_refused(param, bin, NOT_THERE("x (Input)"));
    memset(param, 0, sizeof(*param));
    PUT(param, "7767517\n1 1\nInput x 0 1 data");
    assert_refused(param, bin, NOT_THERE("x (Input)"));
    memset(param, 0, sizeof(*param)); /* one picture for the convolution, another to be enlarged */
    PUT(param, "7767517\n6 6\nInput i 0 1 a\nInput j 0 1 b\n"
               "Convolution v 1 1 a c 0=3 1=3 4=1 5=1 6=81\nPixelShuffle p 1 1 c d\n"
               "Interp n 1 1 b e 0=1\nBinaryOp o 2 1 d e f\n");
    assert_refused(param, bin, NOT_THERE("j (Input)"));
    fov_free(param);
    fov_free(bin);
}

/* Up to the last word; a shorter name of the result is as good as the whole. */
static void truncated_graphs_are_refused(void **state)
{
    static const char *const names[] = {"compact", "rrdbnet"};
    (void)state;
    for (size_t i = 0; i < FOV_N_ELEMENTS(names); i++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "%s.ncnn.param", names[i]);
        struct out *const param = load(name);
        (void)snprintf(name, sizeof(name), "%s.ncnn.bin", names[i]);
        struct out *const bin = load(name);
        const size_t last_word = i == 0 ? param->n - strlen("output\n") : param->n - 1;
        for (size_t cut = 0; cut <= last_word; cut++) {
            struct fov_weights *w = NULL;
            struct fov_err err = {0};
            if (cut == last_word && i > 0) {
                assert_int_equal(parse(param, cut, bin, bin->n, &w, &err), FOV_OK);
                fov_weights_close(w);
                continue;
            }
            assert_int_equal(parse(param, cut, bin, bin->n, &w, &err), FOV_EMODEL);
            assert_true(err.text[0]);
        }
        fov_free(param);
        fov_free(bin);
    }
}

/* ---- the weights ------------------------------------------------------------------------- */

/* One convolution and the enlarged picture. */
static const char tiny[] = "7767517\n6 7\nInput i 0 1 a\nSplit s 1 2 a b c\n"
                           "Convolution v 1 1 b d 0=3 1=3 4=1 5=1 6=81\nPixelShuffle p 1 1 d e\n"
                           "Interp n 1 1 c f 0=1\nBinaryOp o 2 1 e f g\n";

static void assert_truncations_refused(const struct out *param, const struct out *bin, size_t step)
{
    struct fov_weights *w = NULL;
    for (size_t cut = 0; cut < bin->n; cut += step) {
        struct fov_err err = {0};
        assert_int_equal(parse(param, param->n, bin, cut, &w, &err), FOV_EMODEL);
        assert_string_equal(err.text, "m: its .bin file ends before the last layer does: it is "
                                      "truncated or damaged");
    }
}

/* At every byte of a small network, and at every seventh of a larger one. */
static void truncated_weights_are_refused(void **state)
{
    struct out *const param = load("rrdbnet.ncnn.param"), *const bin = load("rrdbnet.ncnn.bin");
    (void)state;
    assert_truncations_refused(param, bin, 7);
    PUT(bin, "1234");
    assert_refused(param, bin, "m: 4 bytes of its .bin file belong to no layer");

    memset(param, 0, sizeof(*param));
    memset(bin, 0, sizeof(*bin));
    PUT(param, tiny);
    put_number(bin, 4 + 4 * 81 + 4 * 3, 0);
    assert_truncations_refused(param, bin, 1);
    fov_free(param);
    fov_free(bin);
}

static void other_types_of_weights_are_refused(void **state)
{
    static const struct {
        unsigned char tag[4];
        const char *why;
    } tags[] = {
        {{0x38, 0x4b, 0x0d, 0x00}, "0x000d4b38"}, /* int8 */
        {{0x56, 0xc0, 0x02, 0x00}, "0x0002c056"}, /* float32 with a scale */
        {{0x01, 0x00, 0x00, 0x00}, "0x00000001"}, /* a table of 256 numbers */
    };
    struct out *const param = load("compact.ncnn.param"), *const bin = load("compact.ncnn.bin");
    (void)state;
    for (size_t i = 0; i < FOV_N_ELEMENTS(tags); i++) {
        char why[200];
        memcpy(bin->at, tags[i].tag, 4);
        (void)snprintf(why, sizeof(why),
                       "m: the weights of layer Convolution_1 have the tag %s in the .bin file; "
                       "float32, float16 and bfloat16 are supported",
                       tags[i].why);
        assert_refused(param, bin, why);
    }
    fov_free(param);
    fov_free(bin);
}

/* In each type, padded to four bytes. */
static void types_are_told_by_tags(void **state)
{
    static const struct {
        const char *tag, *dtype;
        size_t bytes;
    } types[] = {
        {"\0\0\0\0", "F32", 4}, {"\x47\x6b\x30\x01", "F16", 2}, {"\x83\x8b\x34\x01", "BF16", 2}};
    struct out *const o = fov_calloc(1, sizeof(*o));
    (void)state;
    assert_non_null(o);
    for (size_t i = 0; i < FOV_N_ELEMENTS(types); i++) {
        struct fov_weights *w = NULL;
        struct fov_err err = {0};
        memset(o, 0, sizeof(*o));
        put(o, types[i].tag, 4);
        put_number(o, 81 * types[i].bytes + (types[i].bytes == 2 ? 2 : 0), 1);
        put_number(o, 12, 5);
        if (fov_weights_parse_ncnn(tiny, sizeof(tiny) - 1, o->at, o->n, "m", &w, &err))
            fail_msg("%s", err.text);
        assert_int_equal(fov_weights_count(w), 2);
        const struct fov_tensor *const weight = fov_weights_find(w, "body.0.weight");
        const struct fov_tensor *const bias = fov_weights_find(w, "body.0.bias");
        assert_string_equal(weight->dtype, types[i].dtype);
        assert_true(weight->data == o->at + 4 && weight->bytes == 81 * types[i].bytes);
        assert_true(bias->data == o->at + o->n - 12 && bias->data[0] == 5);
        assert_int_equal(bias->dims[0], 3);
        fov_weights_close(w);
    }
    fov_free(o);
}

static void numbers_of_weights_fit(void **state)
{
    static const char why[] =
        "m: layer Convolution_1 has a number of weights that does not fit its channels";
    static const struct change changes[] = {
        {"Convolution_1 ", "6=648", "6=649", why},
        {"Convolution_1 ", "6=648", "6=0", why},
        {"Convolution_1 ", " 6=648", "", why},
        {"Convolution_1 ", "6=648", "6=648.5", why},
        {"Convolution_1 ", "6=648", "6=-648", why},
        {"Convolution_1 ", "6=648", "6=9e99", why},
        {"Convolution_1 ", "6=648", "6=216e9",
         "m: its .bin file ends before the last layer does: it is truncated or damaged"},
    };
    (void)state;
    assert_all_refused("compact.ncnn.param", "compact.ncnn.bin", changes, FOV_N_ELEMENTS(changes));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_get_their_names),
        cmocka_unit_test(enlargements_are_counted),
        cmocka_unit_test(either_file_may_be_named),
        cmocka_unit_test(other_halves_are_asked_for),
        cmocka_unit_test(spellings_are_known),
        cmocka_unit_test(other_compact_networks_are_refused),
        cmocka_unit_test(other_dense_networks_are_refused),
        cmocka_unit_test(other_parameters_are_refused),
        cmocka_unit_test(lines_are_what_they_should_be),
        cmocka_unit_test(odd_networks_are_refused),
        cmocka_unit_test(truncated_graphs_are_refused),
        cmocka_unit_test(truncated_weights_are_refused),
        cmocka_unit_test(other_types_of_weights_are_refused),
        cmocka_unit_test(types_are_told_by_tags),
        cmocka_unit_test(numbers_of_weights_fit),
    };
    if (argc != 2)
        return 2;
    vectors = argv[1];
    return cmocka_run_group_tests_name("ncnn", tests, NULL, NULL);
}
