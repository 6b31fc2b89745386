/* SPDX-License-Identifier: Apache-2.0 */
/* ncnn.c -- networks of ncnn as Upscayl and realesrgan-ncnn-vulkan have them.
 *
 * Such a pair of files has a graph and weights, but no names of tensors, by which everything here
 * is recognised. So the graph is followed from its end to its beginning and compared, layer by
 * layer and input by input, with the two families that there are; a layer that fits gives its
 * weights the name that they have in PyTorch. Layers are not counted or trusted to come in some
 * order: a graph with other factors, another order of what is concatenated or a layer too many is
 * refused, because it would run and give a wrong picture.
 *
 *   SRVGGNetCompact   shuffle(body(x)) + nearest(x); body is conv, PReLU, ..., conv
 *   RRDBNet           y = first(x) + body(blocks(first(x))); y = up(nearest(y)), as often as it is
 *                     there; last(hr(y)). A leaky ReLU follows up and hr.
 *     block           x + 0.2 rdb3(rdb2(rdb1(x)))
 *     rdb             x + 0.2 conv5(x, y1, y2, y3, y4); yK = leaky(convK(x, y1, ..., yK-1))
 *
 * realesr-animevideov3 is there for 2x and 3x as well: the same network for 4x, whose result is
 * then shrunk. That last step is left out; whoever enlarges by a factor shrinks the result in any
 * case.
 *
 * The weights lie in the order of the layers in the file: for a convolution a tag for the type, its
 * weights as PyTorch has them, padding to 4 bytes, its bias; for PReLU its slopes.
 *
 * Threads: any. Owns: nothing; names belong to the struct fov_weights it fills.
 * Trust: every byte of both files. See: ncnn's src/modelbin.cpp and src/layer/convolution.cpp,
 * load_model(); docs/developer-guide/param-and-model-file-structure.md
 */
#include "net/ncnn.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "net/bytes.h"
#include "net/ncnn_param.h"

enum { MAX_NAME_BYTES = 48, TAPS = 9, MAX_SIDE = 1 << 20, NEAREST = 1, BILINEAR = 2, BICUBIC = 3 };

#define TAG_F32  0u
#define TAG_F16  0x01306b47u
#define TAG_BF16 0x01348b83u

/* A layer that has weights, and what it is in its network. How many there are of a kind is known
 * when the beginning of the graph is reached, so they are counted from the end. */
struct part {
    int layer;
    enum { NAMED, UP, DENSE, BODY } kind;
    const char *name;        /* NAMED */
    int from_end, rdb, conv; /* conv_upN; body.N.rdbRDB.convCONV; body.N */
};

struct matcher {
    struct fov_ncnn_net net;
    struct part *parts; /* from the end */
    int n_parts, n_ups, n_blocks;
    int *part_of; /* by layer: its part's number, or -1 */
    int misfit;   /* the layer that did not fit */
};

/* ---- following the graph ----------------------------------------------------------------- */

static const struct fov_ncnn_layer *at(const struct matcher *m, int layer)
{
    return &m->net.layers[layer];
}

static bool misfit(struct matcher *m, int layer)
{
    m->misfit = layer;
    return false;
}

static bool is(struct matcher *m, int layer, enum fov_ncnn_op op)
{
    return at(m, layer)->op == op || misfit(m, layer);
}

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-6;
}

static void add_part(struct matcher *m, struct part part, int layer)
{
    part.layer = layer;
    if (m->n_parts < m->net.n_layers) /* else one is there twice, which is_known() finds */
        m->parts[m->n_parts++] = part;
}

/* A convolution without activation. */
static bool is_convolution(struct matcher *m, int layer, struct part part)
{
    if (!is(m, layer, FOV_NCNN_CONVOLUTION) || at(m, layer)->value[9] != 0)
        return misfit(m, layer);
    add_part(m, part, layer);
    return true;
}

/* A convolution and a leaky ReLU of slope 0.2, in one layer or two. Gives what it reads. */
static bool is_leaky(struct matcher *m, int layer, struct part part, int *ret_in)
{
    const struct fov_ncnn_layer *const l = at(m, layer);
    if (l->op == FOV_NCNN_RELU) {
        if (!near(l->value[0], 0.2) || !is_convolution(m, l->in[0], part))
            return misfit(m, layer);
        *ret_in = at(m, l->in[0])->in[0];
        return true;
    }
    if (!is(m, layer, FOV_NCNN_CONVOLUTION) || l->value[9] != 2 || !near(l->value[10], 0.2))
        return misfit(m, layer);
    add_part(m, part, layer);
    *ret_in = l->in[0];
    return true;
}

/* The sum of two layers. */
static bool is_sum(struct matcher *m, int layer)
{
    const struct fov_ncnn_layer *const l = at(m, layer);
    if (l->op == FOV_NCNN_ELTWISE) {
        if (l->n_list && (l->n_list != 2 || l->list[0] != 1 || l->list[1] != 1))
            return misfit(m, layer);
        return true;
    }
    if (l->op != FOV_NCNN_BINARY_OP || l->value[0] != 0 || l->value[1] != 0 || l->n_in != 2)
        return misfit(m, layer);
    return true;
}

/* 0.2 * *ret_branch + *ret_base, as one layer or two. */
static bool is_scaled_sum(struct matcher *m, int layer, int *ret_branch, int *ret_base)
{
    const struct fov_ncnn_layer *const l = at(m, layer);
    if (l->op == FOV_NCNN_ELTWISE && l->n_list == 2) {
        const int branch = near(l->list[0], 0.2) ? 0 : 1;
        if (!near(l->list[branch], 0.2) || l->list[1 - branch] != 1)
            return misfit(m, layer);
        *ret_branch = l->in[branch];
        *ret_base = l->in[1 - branch];
        return true;
    }
    if (!is_sum(m, layer))
        return false;
    for (int i = 0; i < 2; i++) {
        const struct fov_ncnn_layer *const scaled = at(m, l->in[i]);
        if (scaled->op == FOV_NCNN_BINARY_OP && scaled->value[0] == 2 && scaled->value[1] == 1 &&
            near(scaled->value[2], 0.2) && scaled->n_in == 1) {
            *ret_branch = scaled->in[0];
            *ret_base = l->in[1 - i];
            return true;
        }
    }
    return misfit(m, layer);
}

/* An enlargement that repeats pixels. */
static bool is_nearest(struct matcher *m, int layer, double factor)
{
    const struct fov_ncnn_layer *const l = at(m, layer);
    return (l->op == FOV_NCNN_INTERP && l->value[0] == NEAREST && l->value[1] == factor &&
            l->value[2] == factor) ||
           misfit(m, layer);
}

/* ---- SRVGGNetCompact --------------------------------------------------------------------- */

static bool is_compact_body(struct matcher *m, int layer, int out_ch)
{
    int in;
    if (at(m, layer)->op == FOV_NCNN_CONVOLUTION && at(m, layer)->value[0] != out_ch)
        return misfit(m, layer);
    for (int n = 0;; n += 2, layer = in) {
        if (!is_convolution(m, layer, (struct part){.kind = BODY, .from_end = n}))
            return false;
        in = at(m, layer)->in[0];
        if (at(m, in)->op == FOV_NCNN_INPUT)
            return true;
        if (!is(m, in, FOV_NCNN_PRELU) || at(m, in)->value[0] != at(m, at(m, in)->in[0])->value[0])
            return misfit(m, in);
        add_part(m, (struct part){.kind = BODY, .from_end = n + 1}, in);
        in = at(m, in)->in[0];
    }
}

static bool is_compact(struct matcher *m, int layer)
{
    const struct fov_ncnn_layer *l = at(m, layer);
    const int last = layer;
    double shrink = 1;
    if (l->op == FOV_NCNN_INTERP) {
        shrink = l->value[1];
        if ((l->value[0] != BILINEAR && l->value[0] != BICUBIC) || l->value[2] != shrink)
            return misfit(m, layer);
        layer = l->in[0];
    }
    if (!is_sum(m, layer))
        return false;
    l = at(m, layer);
    const int shuffle = l->in[at(m, l->in[0])->op == FOV_NCNN_PIXEL_SHUFFLE ? 0 : 1];
    const int nearest = l->in[0] == shuffle ? l->in[1] : l->in[0];
    if (!is(m, shuffle, FOV_NCNN_PIXEL_SHUFFLE))
        return false;
    const double factor = at(m, shuffle)->value[0], final = factor * shrink;
    if (!(factor >= 1 && factor <= 4) || factor != (int)factor)
        return misfit(m, shuffle);
    if (!(final >= 1 && final <= factor) || !near(final, (int)(final + 0.5)))
        return misfit(m, last);
    if (!is_nearest(m, nearest, factor) || !is(m, at(m, nearest)->in[0], FOV_NCNN_INPUT))
        return misfit(m, nearest);
    return is_compact_body(m, at(m, shuffle)->in[0], (int)(3 * factor * factor));
}

/* ---- RRDBNet ----------------------------------------------------------------------------- */

/* One dense block; gives what it reads. */
static bool is_rdb(struct matcher *m, int layer, int rdb, int *ret_in)
{
    struct part part = {.kind = DENSE, .from_end = m->n_blocks, .rdb = rdb, .conv = 5};
    int y[FOV_NCNN_MAX_INPUTS], in;
    if (!is_scaled_sum(m, layer, &in, ret_in) || !is_convolution(m, in, part))
        return false;
    in = at(m, in)->in[0];
    if (at(m, in)->n_in != FOV_NCNN_MAX_INPUTS || !is(m, in, FOV_NCNN_CONCAT))
        return misfit(m, in);
    memcpy(y, at(m, in)->in, sizeof(y));
    for (int k = 4; k > 0; k--) {
        part.conv = k;
        if (!is_leaky(m, y[k], part, &in))
            return false;
        if (k > 1 && (at(m, in)->n_in != k || !is(m, in, FOV_NCNN_CONCAT) ||
                      memcmp(y, at(m, in)->in, (size_t)k * sizeof(*y)) != 0))
            return misfit(m, in);
    }
    return (in == y[0] && y[0] == *ret_in) || misfit(m, layer);
}

/* One block of the body; gives what it reads. */
static bool is_block(struct matcher *m, int layer, int *ret_in)
{
    int y;
    if (!is_scaled_sum(m, layer, &y, ret_in))
        return false;
    for (int rdb = 3; rdb > 0; rdb--)
        if (!is_rdb(m, y, rdb, &y))
            return false;
    m->n_blocks++;
    return y == *ret_in || misfit(m, layer);
}

/* first(x) + body(blocks(first(x))) */
static bool is_trunk(struct matcher *m, int layer)
{
    if (!is_sum(m, layer))
        return false;
    const int *const in = at(m, layer)->in;
    const bool begins = at(m, in[0])->n_in == 1 && at(m, at(m, in[0])->in[0])->op == FOV_NCNN_INPUT;
    const int first = in[begins ? 0 : 1], body = in[begins ? 1 : 0];
    if (!is_convolution(m, body, (struct part){.kind = NAMED, .name = "conv_body"}))
        return false;
    for (int y = at(m, body)->in[0]; y != first;)
        if (!is_block(m, y, &y))
            return false;
    return is_convolution(m, first, (struct part){.kind = NAMED, .name = "conv_first"}) &&
           is(m, at(m, first)->in[0], FOV_NCNN_INPUT);
}

static bool is_rrdbnet(struct matcher *m, int layer)
{
    if (!is_convolution(m, layer, (struct part){.kind = NAMED, .name = "conv_last"}) ||
        !is_leaky(m, at(m, layer)->in[0], (struct part){.kind = NAMED, .name = "conv_hr"}, &layer))
        return false;
    for (; at(m, layer)->op == FOV_NCNN_CONVOLUTION || at(m, layer)->op == FOV_NCNN_RELU;
         m->n_ups++) {
        const struct part up = {.kind = UP, .from_end = m->n_ups};
        if (!is_leaky(m, layer, up, &layer) || !is_nearest(m, layer, 2))
            return false;
        layer = at(m, layer)->in[0];
    }
    return is_trunk(m, layer);
}

/* From the one layer that no other reads. What is accepted has had all its inputs looked at, so
 * that every layer then has its place; those with weights must have it once. */
static bool is_known(struct matcher *m)
{
    int last = -1, picture = -1, n_parts = 0;
    for (int i = 0; i < m->net.n_layers; i++) {
        const enum fov_ncnn_op op = at(m, i)->op;
        n_parts += op == FOV_NCNN_CONVOLUTION || op == FOV_NCNN_PRELU;
        if (op == FOV_NCNN_INPUT) {
            if (picture >= 0)
                return misfit(m, i);
            picture = i;
        }
        if (!at(m, i)->n_readers) {
            if (last >= 0)
                return misfit(m, last);
            last = i;
        }
    }
    if (last < 0)
        return false;
    return (at(m, last)->op == FOV_NCNN_CONVOLUTION ? is_rrdbnet(m, last) : is_compact(m, last)) &&
           m->n_parts == n_parts;
}

/* ---- weights ----------------------------------------------------------------------------- */

struct weights_file {
    struct fov_weights *w;
    const unsigned char *at, *end;
    char *names; /* room for two a layer */
    struct fov_err *err;
};

static enum fov_code too_short(const struct weights_file *f)
{
    return fov_fail(f->err, FOV_EMODEL,
                    "%s: its .bin file ends before the last layer does: it is truncated or damaged",
                    f->w->name);
}

static void write_name(const struct matcher *m, const struct part *p, const char *suffix,
                       char name[MAX_NAME_BYTES])
{
    switch (p->kind) {
    case UP:
        (void)snprintf(name, MAX_NAME_BYTES, "conv_up%d.%s", m->n_ups - p->from_end, suffix);
        break;
    case DENSE:
        (void)snprintf(name, MAX_NAME_BYTES, "body.%d.rdb%d.conv%d.%s",
                       m->n_blocks - 1 - p->from_end, p->rdb, p->conv, suffix);
        break;
    case BODY:
        (void)snprintf(name, MAX_NAME_BYTES, "body.%d.%s", m->n_parts - 1 - p->from_end, suffix);
        break;
    case NAMED:
        (void)snprintf(name, MAX_NAME_BYTES, "%s.%s", p->name, suffix);
        break;
    }
}

/* Add a tensor that begins where `f` stands, and step over it; data is aligned to 4 bytes. */
static enum fov_code add_tensor(const struct matcher *m, struct weights_file *f,
                                const struct part *part, const char *suffix, struct fov_tensor *t)
{
    const enum fov_code rc = fov__tensor_size(f->w, t, &t->bytes, f->err);
    if (rc)
        return rc;
    const size_t bytes = fov_round_up(t->bytes, 4);
    if (bytes > (size_t)(f->end - f->at))
        return too_short(f);
    write_name(m, part, suffix, f->names);
    t->name = f->names;
    f->names += MAX_NAME_BYTES;
    t->data = f->at;
    f->at += bytes;
    return fov__weights_add(f->w, t, f->err);
}

/* The type of the numbers that follow, from the tag before them. */
static enum fov_code read_tag(struct weights_file *f, const struct fov_ncnn_layer *l,
                              const char **ret_dtype)
{
    if (f->end - f->at < 4)
        return too_short(f);
    const uint32_t tag = fov_le32(f->at);
    f->at += 4;
    if (tag != TAG_F32 && tag != TAG_F16 && tag != TAG_BF16)
        return fov_fail(
            f->err, FOV_EMODEL,
            "%s: the weights of layer %s have the tag 0x%08x in the .bin file; float32, "
            "float16 and bfloat16 are supported",
            f->w->name, l->name, tag);
    *ret_dtype = tag == TAG_F32 ? "F32" : tag == TAG_F16 ? "F16" : "BF16";
    return FOV_OK;
}

/* A parameter that is a count, or 0 when it is none. */
static size_t count(double value, double most)
{
    return value >= 1 && value <= most && value == (double)(size_t)value ? (size_t)value : 0;
}

static enum fov_code read_part(const struct matcher *m, struct weights_file *f,
                               const struct part *part)
{
    const struct fov_ncnn_layer *const l = at(m, part->layer);
    const size_t n_out = count(l->value[0], MAX_SIDE);
    struct fov_tensor vector = {.dtype = "F32", .n_dims = 1, .dims = {n_out}};
    enum fov_code rc;
    if (l->op == FOV_NCNN_PRELU && n_out)
        return add_tensor(m, f, part, "weight", &vector);

    const size_t n_weights = count(l->value[6], (double)MAX_SIDE * MAX_SIDE);
    if (!n_out || !n_weights || n_weights % (n_out * TAPS))
        return fov_fail(f->err, FOV_EMODEL,
                        "%s: layer %s has a number of weights that does not fit its channels",
                        f->w->name, l->name);
    struct fov_tensor kernel = {.n_dims = 4, .dims = {n_out, n_weights / (n_out * TAPS), 3, 3}};
    if ((rc = read_tag(f, l, &kernel.dtype)) || (rc = add_tensor(m, f, part, "weight", &kernel)) ||
        (rc = add_tensor(m, f, part, "bias", &vector)))
        return rc;
    return FOV_OK;
}

/* Parts are in the order of the graph from its end; the file has the order of the layers. */
static enum fov_code read_weights(struct matcher *m, struct weights_file *f)
{
    for (int i = 0; i < m->net.n_layers; i++)
        m->part_of[i] = -1;
    for (int i = 0; i < m->n_parts; i++)
        m->part_of[m->parts[i].layer] = i;
    for (int i = 0; i < m->net.n_layers; i++) {
        const int part = m->part_of[i];
        const enum fov_code rc = part < 0 ? FOV_OK : read_part(m, f, &m->parts[part]);
        if (rc)
            return rc;
    }
    if (f->at != f->end)
        return fov_fail(f->err, FOV_EMODEL, "%s: %zu bytes of its .bin file belong to no layer",
                        f->w->name, (size_t)(f->end - f->at));
    return FOV_OK;
}

/* ---- the format -------------------------------------------------------------------------- */

static enum fov_code read_network(struct matcher *m, struct weights_file *f)
{
    const size_t n = (size_t)m->net.n_layers;
    m->parts = fov_calloc(n, sizeof(*m->parts));
    m->part_of = fov_calloc(n, sizeof(*m->part_of));
    f->names = f->w->strings = fov_calloc(2 * n, MAX_NAME_BYTES);
    if (!m->parts || !m->part_of || !f->names)
        return fov_fail(f->err, FOV_ENOMEM, "%s: no memory for its layers", f->w->name);
    if (!n)
        return fov_fail(f->err, FOV_EMODEL, "%s: holds no layers", f->w->name);
    if (!is_known(m))
        return fov_fail(f->err, FOV_EMODEL,
                        "%s: an ncnn network that is not known here: layer %s (%s) is not where it "
                        "is in " FOV_NCNN_KNOWN,
                        f->w->name, at(m, m->misfit)->name, fov_ncnn_op_name(at(m, m->misfit)->op));
    return read_weights(m, f);
}

bool fov_ncnn_matches(const unsigned char *data, size_t bytes)
{
    return fov_ncnn_param_matches(data, bytes);
}

enum fov_code fov_ncnn_parse(struct fov_weights *w, const unsigned char *param, size_t param_bytes,
                             const unsigned char *bin, size_t bin_bytes, struct fov_err *err)
{
    struct weights_file f = {.w = w, .at = bin, .end = bin + bin_bytes, .err = err};
    struct matcher m = {0};
    enum fov_code rc = fov_ncnn_net_init(param, param_bytes, w->name, &m.net, err);
    if (!rc)
        rc = read_network(&m, &f);
    fov_free(m.parts);
    fov_free(m.part_of);
    fov_ncnn_net_done(&m.net);
    return rc;
}
