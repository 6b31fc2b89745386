/* SPDX-License-Identifier: Apache-2.0 */
/* test_arch.c -- files become the graph of their network, and near misses are refused.
 *
 * usage: test_arch VECTORS_FOLDER, with the small networks of tests/vectors/dump_vectors.py. What
 * graphs compute is compared with PyTorch by tests/engine/test_vectors.c; here is how they are
 * built, and files that differ from a good one in one tensor.
 */
#include "tests/unit/cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "net/arch.h"
#include "net/fold.h"

enum { MAX_TENSORS = 400, MAX_HEADER = 1 << 16 };

static const char *vectors;

static struct fov_weights *open_file(const char *network)
{
    char path[1024];
    struct fov_weights *file = NULL;
    struct fov_err err = {0};
    (void)snprintf(path, sizeof(path), "%s/%s.model.safetensors", vectors, network);
    if (fov_weights_open(path, &file, &err))
        fail_msg("%s", err.text);
    return file;
}

/* A network of the folder and its graph, until close_network(). */
struct network {
    struct fov_weights *file;
    struct fov_graph *graph;
    const struct fov_layer *layers;
};

static struct network open_network(const char *name)
{
    struct network n = {.file = open_file(name), .graph = fov_calloc(1, sizeof(*n.graph))};
    struct fov_err err = {0};
    assert_non_null(n.graph);
    if (fov_arch_build(n.file, n.graph, &err))
        fail_msg("%s", err.text);
    n.layers = n.graph->layers;
    return n;
}

static void close_network(struct network *n)
{
    fov_free(n->graph);
    fov_weights_close(n->file);
}

/* ---- files that differ from a good one --------------------------------------------------- */

/* Tensors of a file to be; without data they are zeros. */
struct list {
    struct fov_tensor tensors[MAX_TENSORS];
    size_t n;
};

static void list_copy(struct list *l, const struct fov_weights *file)
{
    l->n = fov_weights_count(file);
    assert_true(l->n <= MAX_TENSORS);
    for (size_t i = 0; i < l->n; i++)
        l->tensors[i] = *fov_weights_at(file, i);
}

static struct fov_tensor *list_find(struct list *l, const char *name)
{
    for (size_t i = 0; i < l->n; i++)
        if (!strcmp(l->tensors[i].name, name))
            return &l->tensors[i];
    fail_msg("no tensor %s", name);
    return NULL;
}

static void list_drop(struct list *l, const char *name)
{
    *list_find(l, name) = l->tensors[l->n - 1];
    l->n--;
}

static void list_add(struct list *l, const char *name, const char *dtype, int n_dims,
                     const size_t *dims)
{
    struct fov_tensor t = {.name = name, .dtype = dtype, .n_dims = n_dims, .n_elements = 1};
    assert_true(l->n < MAX_TENSORS);
    for (int i = 0; i < n_dims; i++) {
        t.dims[i] = dims[i];
        t.n_elements *= dims[i];
    }
    t.bytes = t.n_elements * (!strcmp(dtype, "I8") ? 1 : !strcmp(dtype, "F32") ? 4 : 2);
    l->tensors[l->n++] = t;
}

static void list_reshape(struct list *l, const char *name, const size_t *dims)
{
    const struct fov_tensor t = *list_find(l, name);
    list_drop(l, name);
    list_add(l, t.name, t.dtype, t.n_dims, dims);
}

/* The file; *ret_bytes outlives it. */
static struct fov_weights *list_parse(const struct list *l, unsigned char **ret_bytes)
{
    static char header[MAX_HEADER];
    size_t length = 0, data = 0;
    struct fov_weights *file;
    struct fov_err err = {0};

    for (size_t i = 0; i < l->n; i++) {
        const struct fov_tensor *const t = &l->tensors[i];
        length += (size_t)snprintf(header + length, sizeof(header) - length,
                                   "%c\"%s\":{\"dtype\":\"%s\",\"shape\":[", i ? ',' : '{', t->name,
                                   t->dtype);
        for (int k = 0; k < t->n_dims; k++)
            length += (size_t)snprintf(header + length, sizeof(header) - length, "%s%zu",
                                       k ? "," : "", t->dims[k]);
        length += (size_t)snprintf(header + length, sizeof(header) - length,
                                   "],\"data_offsets\":[%zu,%zu]}", data, data + t->bytes);
        data += t->bytes;
        assert_true(length < sizeof(header) - 200);
    }
    header[length++] = '}';
    unsigned char *const bytes = fov_calloc(8 + length + data, 1);
    assert_non_null(bytes);
    for (size_t i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(length >> 8 * i);
    memcpy(bytes + 8, header, length);
    data = 8 + length;
    for (size_t i = 0; i < l->n; data += l->tensors[i++].bytes)
        if (l->tensors[i].data)
            memcpy(bytes + data, l->tensors[i].data, l->tensors[i].bytes);
    if (fov_weights_parse(bytes, data, "m", &file, &err))
        fail_msg("%s", err.text);
    *ret_bytes = bytes;
    return file;
}

/* Build the graph of `l`; `why` is NULL or the sentence that refuses it. */
static void build_list(const struct list *l, struct fov_graph *graph, const char *why)
{
    unsigned char *bytes;
    struct fov_weights *const file = list_parse(l, &bytes);
    struct fov_err err = {0};
    const enum fov_code rc = fov_arch_build(file, graph, &err);
    assert_string_equal(err.text, why ? why : "");
    assert_int_equal(rc, why ? FOV_EMODEL : FOV_OK);
    fov_weights_close(file);
    fov_free(bytes);
}

/* One change of the file of `network`, and the sentence that refuses it. */
struct refusal {
    const char *network, *drop, *add, *reshape;
    size_t dims[4]; /* of `add` or `reshape` */
    const char *why;
};

static void check_refusals(const struct refusal *r, size_t n)
{
    struct fov_graph *const graph = fov_calloc(1, sizeof(*graph));
    struct list *const l = fov_calloc(1, sizeof(*l));
    assert_true(graph && l);
    for (; n > 0; n--, r++) {
        struct fov_weights *const file = open_file(r->network);
        list_copy(l, file);
        if (r->drop)
            list_drop(l, r->drop);
        if (r->add)
            list_add(l, r->add, "F16", r->dims[1] ? 4 : 1, r->dims);
        if (r->reshape)
            list_reshape(l, r->reshape, r->dims);
        build_list(l, graph, r->why);
        fov_weights_close(file);
    }
    fov_free(l);
    fov_free(graph);
}

/* ---- what graphs have -------------------------------------------------------------------- */

static bool near(float a, float b)
{
    return fabsf(a - b) <= 1e-6f * (1 + fabsf(b));
}

/* Does layer `i` read the `n` layers at `in`, side by side? */
static void assert_reads(const struct network *net, int i, int n, const int *in)
{
    assert_int_equal(net->layers[i].n_in, n);
    for (int k = 0; k < n; k++)
        assert_int_equal(net->layers[i].in[k], in[k]);
}

/* Does layer `i` end in gain * convolution + first_scale * first + second (or 0: none)? */
static void assert_adds(const struct network *net, int i, float gain, int first, float first_scale,
                        int second)
{
    const struct fov_layer *const l = &net->layers[i];
    assert_int_equal(l->n_adds, (first > 0) + (second > 0));
    assert_true(near(l->gain, gain));
    assert_int_equal(l->activation, FOV_LINEAR);
    if (first > 0)
        assert_true(l->add[0] == first && near(l->add_scale[0], first_scale));
    if (second > 0)
        assert_true(l->add[1] == second && near(l->add_scale[1], 1));
}

static void assert_leaky(const struct network *net, int i, float leak, int enlarge)
{
    const struct fov_layer *const l = &net->layers[i];
    assert_int_equal(l->activation, FOV_PRELU);
    assert_null(l->slope);
    assert_true(l->leak == leak); /* written as it is read */
    assert_true(l->gain == 1 && l->n_adds == 0);
    assert_int_equal(l->enlarge, enlarge);
}

static void files_are_told_apart(void **state)
{
    static const struct {
        const char *file, *architecture;
        int scale, n_layers; /* the input counted */
    } known[] = {
        {"residual", "residual", 3, 8},
        {"compact", "compact", 2, 6},
        {"esrgan-x4", "esrgan", 4, 22},
        {"esrgan-x2", "esrgan", 2, 22},
        {"esrgan-x1", "esrgan", 1, 22},
        {"esrgan-old-x4", "esrgan", 4, 37},
        {"esrgan-old-x2", "esrgan", 2, 21},
        {"esrgan-old-x1", "esrgan", 1, 35},
        {"esrgan-trunk-x4", "esrgan", 4, 22},
        {"span-x2", "span", 2, 23},
        {"span-x3", "span", 3, 23},
        {"span-x4", "span", 4, 23},
        {"span-trained-x2", "span", 2, 23},
        {"edsr-x2", "edsr", 2, 9},
        {"edsr-x3", "edsr", 3, 7},
        {"edsr-x4", "edsr", 4, 10},
        {"edsr-authors-x2", "edsr", 2, 9},
        {"edsr-authors-x3", "edsr", 3, 7},
        {"edsr-authors-x4", "edsr", 4, 8},
    };
    static const struct fov_arch *const archs[] = {
        &fov_arch_residual, &fov_arch_compact, &fov_arch_esrgan, &fov_arch_span, &fov_arch_edsr,
    };
    (void)state;
    for (size_t i = 0; i < FOV_N_ELEMENTS(known); i++) {
        struct network net = open_network(known[i].file);
        assert_string_equal(net.graph->architecture, known[i].architecture);
        assert_int_equal(net.graph->scale, known[i].scale);
        assert_int_equal(net.graph->n_layers, known[i].n_layers);
        for (size_t k = 0; k < FOV_N_ELEMENTS(archs); k++) /* whatever their order */
            assert_int_equal(archs[k]->matches(net.file),
                             !strcmp(archs[k]->name, known[i].architecture));
        close_network(&net);
    }
}

/* ---- ESRGAN ------------------------------------------------------------------------------ */

/* A block whose layers begin with `first` and that reads layer first - 1. */
static void check_esrgan_block(const struct network *net, int first)
{
    for (int dense = 0; dense < 3; dense++) {
        const int x = first - 1 + 5 * dense;
        int in[5] = {x};
        for (int k = 0; k < 5; k++) {
            assert_reads(net, x + 1 + k, k + 1, in);
            if (k < 4) {
                assert_leaky(net, x + 1 + k, 0.2f, 1);
                in[k + 1] = x + 1 + k;
            }
        }
        if (dense < 2)
            assert_adds(net, x + 5, 0.2f, x, 1, 0);
        else
            assert_adds(net, x + 5, 0.04f, x, 0.2f, first - 1);
    }
}

static void check_esrgan(const char *name, int n_blocks, int n_ups, int unshuffle)
{
    struct network net = open_network(name);
    const struct fov_graph *const g = net.graph;
    const int body = 2 + 15 * n_blocks;
    for (int c = 0; c < 3; c++)
        assert_true(g->mean[c] == 0 && g->output_mean[c] == 0);
    assert_true(g->input_gain == 1 && g->output_gain == 1 && !g->base);
    assert_int_equal(g->unshuffle, unshuffle);
    assert_reads(&net, 1, 1, (const int[]){0});
    assert_int_equal(net.layers[1].in_ch, 3 * unshuffle * unshuffle);
    assert_adds(&net, 1, 1, 0, 0, 0);
    for (int i = 0; i < n_blocks; i++)
        check_esrgan_block(&net, 2 + 15 * i);
    assert_adds(&net, body, 1, 1, 1, 0);
    for (int i = 1; i <= n_ups; i++)
        assert_leaky(&net, body + i, 0.2f, 2);
    assert_leaky(&net, body + n_ups + 1, 0.2f, 1);
    assert_adds(&net, body + n_ups + 2, 1, 0, 0, 0);
    assert_int_equal(g->n_layers, body + n_ups + 3);
    for (int i = body; i < g->n_layers; i++)
        assert_reads(&net, i, 1, (const int[]){i - 1});
    close_network(&net);
}

static void esrgan_of_all_names(void **state)
{
    (void)state;
    check_esrgan("esrgan-x4", 1, 2, 1);
    check_esrgan("esrgan-x2", 1, 2, 2);
    check_esrgan("esrgan-x1", 1, 2, 4);
    check_esrgan("esrgan-old-x4", 2, 2, 1);
    check_esrgan("esrgan-old-x2", 1, 1, 1);
    check_esrgan("esrgan-old-x1", 2, 0, 1);
    check_esrgan("esrgan-trunk-x4", 1, 2, 1);
}

static void esrgan_refusals(void **state)
{
    static const struct refusal refusals[] = {
        {.network = "esrgan-x4",
         .drop = "conv_body.weight",
         .why = "m: looks like a esrgan network but has no tensor conv_body.weight"},
        {.network = "esrgan-old-x4",
         .drop = "model.8.weight",
         .why = "m: looks like a esrgan network but has no tensor model.8.weight"},
        {.network = "esrgan-trunk-x4",
         .drop = "RRDB_trunk.0.RDB3.conv5.weight",
         .why = "m: looks like a esrgan network but has no tensor RRDB_trunk.0.RDB3.conv5.weight"},
        {.network = "esrgan-x4", /* ESRGAN+ */
         .add = "body.0.rdb1.conv1x1.weight",
         .dims = {4, 20, 1, 1},
         .why = "m: looks like a esrgan network, which has 42 tensors of these sizes, but holds "
                "43"},
        {.network = "esrgan-x4",
         .reshape = "body.0.rdb2.conv3.weight",
         .dims = {4, 29, 3, 3},
         .why = "m: tensor body.0.rdb2.conv3.weight takes 29 channels where the layer before it "
                "has 28"},
        {.network = "esrgan-x4",
         .reshape = "body.0.rdb3.conv5.weight",
         .dims = {19, 36, 3, 3},
         .why = "m: tensor body.0.rdb3.conv5.bias should be a list of 19 numbers"},
        {.network = "esrgan-x2",
         .reshape = "conv_first.weight",
         .dims = {8, 27, 3, 3},
         .why = "m: tensor conv_first.weight takes 27 channels where the layer before it has 3"},
        {.network = "esrgan-x4",
         .add = "conv_up3.weight",
         .dims = {20, 20, 3, 3},
         .why = "m: tensor conv_up3.weight cannot be enlarged 2 times"},
        {.network = "esrgan-x1", /* which leaves half a pixel of each */
         .drop = "conv_up2.weight",
         .why = "m: a network of scale 2/4; 1 to 4 are supported"},
    };
    (void)state;
    check_refusals(refusals, FOV_N_ELEMENTS(refusals));
}

/* ---- SPAN -------------------------------------------------------------------------------- */

static void check_span(const char *name, bool norm)
{
    static const float div2k[3] = {0.4488f, 0.4371f, 0.4040f};
    struct network net = open_network(name);
    const struct fov_graph *const g = net.graph;

    for (int c = 0; c < 3; c++)
        assert_true(g->mean[c] == (norm ? div2k[c] : 0) && g->output_mean[c] == 0);
    assert_true(g->input_gain == (norm ? 255 : 1) && g->output_gain == 1 && !g->base);
    assert_adds(&net, 1, 1, 0, 0, 0);
    for (int i = 2; i <= 17; i += 3) {
        assert_int_equal(net.layers[i].activation, FOV_SILU);
        assert_int_equal(net.layers[i + 1].activation, FOV_SILU);
        assert_int_equal(net.layers[i + 2].activation, FOV_GATE);
        assert_true(net.layers[i].n_adds == 0 && net.layers[i + 1].n_adds == 0);
        assert_true(net.layers[i + 2].n_adds == 1 && net.layers[i + 2].add[0] == i - 1);
    }
    for (int i = 1; i <= 20; i++)
        assert_reads(&net, i, 1, (const int[]){i - 1});
    assert_adds(&net, 20, 1, 0, 0, 0);
    assert_reads(&net, 21, 4, (const int[]){1, 20, 4, 17}); /* 17: c1_r of block_6 */
    assert_int_equal(net.layers[21].taps, 1);
    assert_string_equal(net.layers[17].weight->name, "block_6.c1_r.eval_conv.weight");
    assert_reads(&net, 22, 1, (const int[]){21});
    assert_int_equal(net.layers[22].shuffle, g->scale);
    close_network(&net);
}

static void span_deployed_and_trained(void **state)
{
    (void)state;
    check_span("span-x2", true);
    check_span("span-x3", true);
    check_span("span-x4", false);
    check_span("span-trained-x2", true);
}

static void span_refusals(void **state)
{
    static const struct refusal refusals[] = {
        {.network = "span-x2",
         .drop = "block_4.c2_r.eval_conv.weight",
         .why = "m: looks like a span network but has no tensor block_4.c2_r.eval_conv.weight"},
        {.network = "span-x2",
         .add = "block_7.c1_r.eval_conv.weight",
         .dims = {17, 17, 3, 3},
         .why = "m: looks like a span network, which has 44 tensors of these sizes, but holds 45"},
        {.network = "span-x2",
         .reshape = "conv_cat.weight",
         .dims = {17, 51, 1, 1},
         .why = "m: tensor conv_cat.weight takes 51 channels where the layer before it has 68"},
        {.network = "span-x2",
         .reshape = "upsampler.0.weight",
         .dims = {13, 17, 3, 3},
         .why = "m: its last layer has 13 channels; 3, 12, 27 or 48 (scale 1 to 4) are supported"},
        {.network = "span-trained-x2",
         .drop = "block_3.c1_r.conv.1.bias",
         .why = "m: the tensors block_3.c1_r.conv, .sk and .eval_conv do not make one convolution"},
        {.network = "span-trained-x2",
         .reshape = "conv_2.conv.2.weight",
         .dims = {4, 9, 1, 1},
         .why = "m: the tensors conv_2.conv, .sk and .eval_conv do not make one convolution"},
        {.network = "span-trained-x2",
         .drop = "conv_2.eval_conv.bias",
         .why = "m: there is no tensor conv_2.eval_conv.bias of 4 numbers"},
    };
    (void)state;
    check_refusals(refusals, FOV_N_ELEMENTS(refusals));
}

/* 10 * (conv of 1..9 over (2 * x + 3) + 5) + 7, and 100 * x + 1000. */
static void groups_are_folded(void **state)
{
    static const float w1[] = {2}, b1[] = {3}, w2[] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, b2[] = {5};
    static const float w3[] = {10}, b3[] = {7}, ws[] = {100}, bs[] = {1000}, stale[9] = {1};
    static const struct {
        const char *name;
        const float *v;
        size_t side; /* 0: a list of one */
    } parts[] = {
        {"g.conv.0.weight", w1, 1},       {"g.conv.0.bias", b1, 0},
        {"g.conv.1.weight", w2, 3},       {"g.conv.1.bias", b2, 0},
        {"g.conv.2.weight", w3, 1},       {"g.conv.2.bias", b3, 0},
        {"g.sk.weight", ws, 1},           {"g.sk.bias", bs, 0},
        {"g.eval_conv.weight", stale, 3}, {"g.eval_conv.bias", stale, 0},
        {"h.eval_conv.weight", stale, 3},
    };
    struct list *const l = fov_calloc(1, sizeof(*l));
    unsigned char *bytes;
    float weight[9], bias;
    (void)state;

    assert_non_null(l);
    for (size_t i = 0; i < FOV_N_ELEMENTS(parts); i++) {
        const size_t side = parts[i].side;
        list_add(l, parts[i].name, "F32", side ? 4 : 1, (const size_t[]){1, 1, side, side});
        l->tensors[i].data = (const unsigned char *)parts[i].v;
    }
    struct fov_weights *const file = list_parse(l, &bytes);
    assert_int_equal(fov_fold(file, NULL), FOV_OK);
    assert_int_equal(fov_fold_n_tensors(file, "g"), 8);
    assert_int_equal(fov_fold_n_tensors(file, "h"), 0);
    assert_int_equal(
        fov_tensor_read(file, fov_weights_find(file, "g.eval_conv.weight"), weight, NULL), FOV_OK);
    for (int i = 0; i < 9; i++)
        assert_true(weight[i] == (float)(20 * (i + 1) + (i == 4 ? 100 : 0)));
    assert_int_equal(fov_tensor_read(file, fov_weights_find(file, "g.eval_conv.bias"), &bias, NULL),
                     FOV_OK);
    assert_true(bias == 10 * (45 * 3 + 5) + 7 + 1000);
    assert_int_equal(
        fov_tensor_read(file, fov_weights_find(file, "h.eval_conv.weight"), weight, NULL), FOV_OK);
    assert_true(weight[0] == 1); /* of no group */
    fov_weights_close(file);
    fov_free(bytes);
    fov_free(l);
}

/* ---- EDSR -------------------------------------------------------------------------------- */

static void check_edsr(const char *name, int n_blocks, int n_ups, int shuffle, float more_mean)
{
    static const float div2k[3] = {0.4488f, 0.4371f, 0.4040f};
    struct network net = open_network(name);
    const struct fov_graph *const g = net.graph;
    const int after = 2 + 2 * n_blocks;

    for (int c = 0; c < 3; c++) {
        assert_true(near(g->mean[c], div2k[c] + more_mean));
        assert_true(near(g->output_mean[c], div2k[c] + more_mean));
    }
    assert_true(g->input_gain == 255 && near(g->output_gain, 1.0f / 255) && !g->base);
    assert_adds(&net, 1, 1, 0, 0, 0);
    for (int i = 2; i < after; i += 2) {
        assert_leaky(&net, i, 0, 1);
        assert_adds(&net, i + 1, 1, i - 1, 1, 0);
    }
    assert_adds(&net, after, 1, 1, 1, 0);
    for (int i = 1; i <= n_ups; i++) {
        assert_int_equal(net.layers[after + i].shuffle, shuffle);
        assert_adds(&net, after + i, 1, 0, 0, 0);
    }
    assert_int_equal(g->n_layers, after + n_ups + 2);
    for (int i = 1; i < g->n_layers; i++)
        assert_reads(&net, i, 1, (const int[]){i - 1});
    close_network(&net);
}

static void edsr_of_both_names(void **state)
{
    (void)state;
    check_edsr("edsr-x2", 2, 1, 2, 0);
    check_edsr("edsr-x3", 1, 1, 3, 0);
    check_edsr("edsr-x4", 2, 2, 2, 0);
    check_edsr("edsr-authors-x2", 2, 1, 2, 0.03f);
    check_edsr("edsr-authors-x3", 1, 1, 3, 0.03f);
    check_edsr("edsr-authors-x4", 1, 2, 2, 0.03f);
}

/* An EDSR of zeros, one byte each: only its shapes are looked at. */
static void add_edsr(struct list *l, size_t n_ch, int n_blocks)
{
    static char names[140][32];
    size_t n = 0;
    l->n = 0;
    list_add(l, "conv_first.weight", "I8", 4, (const size_t[]){n_ch, 3, 3, 3});
    for (int i = 0; i < 2 * n_blocks; i++) {
        (void)snprintf(names[n], sizeof(names[n]), "body.%d.conv%d.weight", i / 2, 1 + i % 2);
        list_add(l, names[n++], "I8", 4, (const size_t[]){n_ch, n_ch, 3, 3});
    }
    list_add(l, "conv_after_body.weight", "I8", 4, (const size_t[]){n_ch, n_ch, 3, 3});
    list_add(l, "upsample.0.weight", "I8", 4, (const size_t[]){4 * n_ch, n_ch, 3, 3});
    list_add(l, "conv_last.weight", "I8", 4, (const size_t[]){3, n_ch, 3, 3});
}

static void large_edsr_adds_a_tenth(void **state)
{
    static const struct {
        size_t n_ch;
        int n_blocks;
        float gain;
    } cases[] = {{256, 32, 0.1f}, {8, 32, 1}, {256, 2, 1}};
    struct fov_graph *const graph = fov_calloc(1, sizeof(*graph));
    struct list *const l = fov_calloc(1, sizeof(*l));
    (void)state;
    assert_true(graph && l);
    for (size_t i = 0; i < FOV_N_ELEMENTS(cases); i++) {
        add_edsr(l, cases[i].n_ch, cases[i].n_blocks);
        build_list(l, graph, NULL);
        assert_true(near(graph->layers[3].gain, cases[i].gain));
        assert_true(near(graph->layers[2 * cases[i].n_blocks + 1].gain, cases[i].gain));
        assert_true(near(graph->layers[2].gain, 1));
    }
    fov_free(l);
    fov_free(graph);
}

/* The authors' mean as `sub` and `add`, which may lie in 0..1. */
static void build_shifted(const float weight[9], const float sub[3], const float add[3],
                          struct fov_graph *graph, const char *why)
{
    struct fov_weights *const file = open_file("edsr-authors-x3");
    struct list *const l = fov_calloc(1, sizeof(*l));
    assert_non_null(l);
    list_copy(l, file);
    list_find(l, "sub_mean.weight")->data = (const unsigned char *)weight;
    list_find(l, "sub_mean.bias")->data = (const unsigned char *)sub;
    list_find(l, "add_mean.bias")->data = (const unsigned char *)add;
    build_list(l, graph, why);
    fov_free(l);
    fov_weights_close(file);
}

static void edsr_means(void **state)
{
    static const float same[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1},
                       mixed[9] = {1, 0, 0, 0, 1, 0, 0, 1, 1};
    static const float sub[3] = {-0.5f, -0.25f, -0.125f}, add[3] = {0.5f, 0.5f, 1};
    static const float sub_255[3] = {-51, -102, -153}, add_255[3] = {51, 102, 255};
    struct fov_graph *const g = fov_calloc(1, sizeof(*g));
    (void)state;
    assert_non_null(g);
    build_shifted(same, sub, add, g, NULL);
    assert_true(g->input_gain == 1 && g->output_gain == 1);
    assert_true(g->mean[0] == 0.5f && g->mean[2] == 0.125f && g->output_mean[2] == 1);
    build_shifted(same, sub_255, add_255, g, NULL);
    assert_true(g->input_gain == 255 && near(g->output_gain, 1.0f / 255));
    assert_true(near(g->mean[0], 0.2f) && near(g->mean[2], 0.6f) && near(g->output_mean[2], 1));
    build_shifted(mixed, sub, add, g,
                  "m: tensors sub_mean.weight and sub_mean.bias should shift three colours and do "
                  "nothing else");
    fov_free(g);
}

static void edsr_refusals(void **state)
{
    static const struct refusal refusals[] = {
        {.network = "edsr-x2",
         .drop = "body.1.conv2.weight",
         .why = "m: looks like a edsr network but has no tensor body.1.conv2.weight"},
        {.network = "edsr-authors-x2",
         .drop = "body.2.weight",
         .why = "m: looks like a edsr network but has no tensor body.2.weight"},
        {.network = "edsr-authors-x2",
         .drop = "add_mean.bias",
         .why = "m: tensors add_mean.weight and add_mean.bias should shift three colours and do "
                "nothing else"},
        {.network = "edsr-authors-x2",
         .drop = "sub_mean.weight",
         .why = "m: tensors sub_mean.weight and sub_mean.bias should shift three colours and do "
                "nothing else"},
        {.network = "edsr-x2",
         .add = "body.1.attention.weight",
         .dims = {20},
         .why = "m: looks like a edsr network, which has 16 tensors of these sizes, but holds 17"},
        {.network = "edsr-x2",
         .reshape = "body.1.conv1.weight",
         .dims = {20, 19, 3, 3},
         .why = "m: tensor body.1.conv1.weight takes 19 channels where the layer before it has 20"},
        {.network = "edsr-x2",
         .reshape = "conv_first.weight",
         .dims = {20, 4, 3, 3},
         .why = "m: tensor conv_first.weight takes 4 channels where the layer before it has 3"},
        {.network = "edsr-x2",
         .add = "upsample.2.weight",
         .dims = {180, 20, 3, 3},
         .why = "m: tensor upsample.2.weight cannot be enlarged 3 times"},
    };
    (void)state;
    check_refusals(refusals, FOV_N_ELEMENTS(refusals));
}

/* ---- others ------------------------------------------------------------------------------ */

static void relatives_are_not_known(void **state)
{
    static const size_t first[] = {8, 3, 3, 3}, block[] = {8, 8, 3, 3}, up[] = {32, 8, 3, 3};
    struct fov_graph *const graph = fov_calloc(1, sizeof(*graph));
    struct list *const l = fov_calloc(1, sizeof(*l));
    (void)state;
    assert_true(graph && l);

    /* MSRResNet of BasicSR: EDSR's blocks, ESRGAN's ends */
    list_add(l, "conv_first.weight", "I8", 4, first);
    list_add(l, "body.0.conv1.weight", "I8", 4, block);
    list_add(l, "body.0.conv2.weight", "I8", 4, block);
    list_add(l, "upconv1.weight", "I8", 4, up);
    list_add(l, "conv_hr.weight", "I8", 4, block);
    list_add(l, "conv_last.weight", "I8", 4, first);
    build_list(l, graph,
               "m: no known network (Fovea residual, SRVGGNetCompact, ESRGAN, SPAN, EDSR); its "
               "tensors begin conv_first.weight, body.0.conv1.weight, body.0.conv2.weight");

    /* RCAN of EDSR's authors */
    l->n = 0;
    list_add(l, "head.0.weight", "I8", 4, first);
    list_add(l, "body.0.body.0.body.0.weight", "I8", 4, block);
    list_add(l, "tail.0.0.weight", "I8", 4, up);
    list_add(l, "tail.1.weight", "I8", 4, first);
    build_list(l, graph,
               "m: no known network (Fovea residual, SRVGGNetCompact, ESRGAN, SPAN, EDSR); its "
               "tensors begin head.0.weight, body.0.body.0.body.0.weight, tail.0.0.weight");
    fov_free(l);
    fov_free(graph);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_told_apart),
        cmocka_unit_test(esrgan_of_all_names),
        cmocka_unit_test(esrgan_refusals),
        cmocka_unit_test(span_deployed_and_trained),
        cmocka_unit_test(span_refusals),
        cmocka_unit_test(groups_are_folded),
        cmocka_unit_test(edsr_of_both_names),
        cmocka_unit_test(large_edsr_adds_a_tenth),
        cmocka_unit_test(edsr_means),
        cmocka_unit_test(edsr_refusals),
        cmocka_unit_test(relatives_are_not_known),
    };
    if (argc != 2)
        return 2;
    vectors = argv[1];
    return cmocka_run_group_tests_name("arch", tests, NULL, NULL);
}
