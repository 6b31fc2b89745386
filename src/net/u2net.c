/* SPDX-License-Identifier: Apache-2.0 */
/* u2net.c -- U^2-Net, a network of small U-Nets that finds what stands in front.
 *
 *     RSU-L(x):   h = in(x);  e_1 = conv1(h);  e_i = conv_i(pool(e_i-1)), i < L
 *                 u = conv_L(e_L-1), of dilation 2
 *                 d_i = conv_id(cat(up(u or d_i+1), e_i)), i = L-1 .. 1;  result d_1 + h
 *     RSU-4F(x):  the same of length 4 without pooling, dilations 1 2 4 8
 *     net:        s_1 = RSU-7, s_2 = RSU-6(pool), RSU-5, RSU-4, RSU-4F, s_6 = RSU-4F
 *                 t_i = stage_id(cat(up(t_i+1 or s_6), s_i)), i = 5 .. 1
 *                 result sigmoid(outconv(cat(up(side_i(t_i)))))
 *
 * Each conv is 3x3, followed by a batch normalisation, which is folded into it here, and ReLU.
 * Definition: Qin et al. 2020 (arXiv:2005.09007) and its code, xuebinqin/U-2-Net, u2net.py. Its
 * published weights are Apache-2.0; rembg and others use them.
 *
 * It runs once a picture on 320x320 pixels, so it is plain float32: rows of four outputs at a time.
 *
 * Threads: the pool's. Owns: the weights. Trust: names and shapes come from a model file; each
 * shape is checked against what reaches the layer.
 */
#include "net/u2net.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "net/weights.h"

enum {
    BORDER = 8, /* zeros around a map: the largest dilation */
    N_STAGES = 6,
    MOST_DEPTH = 7,
    MOST_SIDE = 1024,
    MOST_CHANNELS = 4096,
    AT_ONCE = 4, /* outputs of one task */
    NAME_BYTES = 80,
};

/* Channels of side x side floats, each with BORDER zeros around. */
struct map {
    int n_channels, side;
    float *data;
};

struct fov_u2net {
    struct fov_weights *file;
    struct fov_pool *pool;
};

static size_t stride_of(int side)
{
    return (size_t)side + (size_t)2 * BORDER;
}

static float *row_of(const struct map *m, int channel, int y)
{
    const size_t stride = stride_of(m->side);
    return m->data + ((size_t)channel * stride + (size_t)(y + BORDER)) * stride + BORDER;
}

static void map_done(struct map *m)
{
    fov_free(FOV_STEAL(m->data));
}

static enum fov_code map_new(struct map *m, int n_channels, int side, struct fov_err *err)
{
    const size_t stride = stride_of(side);
    *m = (struct map){n_channels, side, fov_calloc((size_t)n_channels * stride * stride, 4)};
    return m->data ? FOV_OK : fov_fail(err, FOV_ENOMEM, "no memory for a network's layer");
}

/* ---- convolution ------------------------------------------------------------------------- */

struct conv {
    struct fov_work work;
    const struct map *in[2]; /* as if joined; the second may be NULL */
    struct map *out;
    const float *weights, *bias; /* [out][in][3][3] */
    int dilation;
    bool relu;
    int n_tasks, n_claimed, n_done;
};

/* Add three neighbours of a row, by the weights of AT_ONCE outputs, to a row of each. */
static void add_row(float sums[AT_ONCE][MOST_SIDE], const float *in, int dilation, int n,
                    const float weights[AT_ONCE][3])
{
    const float *const left = in - dilation, *const right = in + dilation;
    float *const a = sums[0], *const b = sums[1], *const c = sums[2], *const d = sums[3];
    for (int x = 0; x < n; x++) {
        a[x] += weights[0][0] * left[x] + weights[0][1] * in[x] + weights[0][2] * right[x];
        b[x] += weights[1][0] * left[x] + weights[1][1] * in[x] + weights[1][2] * right[x];
        c[x] += weights[2][0] * left[x] + weights[2][1] * in[x] + weights[2][2] * right[x];
        d[x] += weights[3][0] * left[x] + weights[3][1] * in[x] + weights[3][2] * right[x];
    }
}

static void run_row(const struct conv *c, int first, int n_outputs, int y)
{
    float sums[AT_ONCE][MOST_SIDE];
    const int side = c->out->side;
    const int n_first = c->in[0]->n_channels;
    const int n_in = n_first + (c->in[1] ? c->in[1]->n_channels : 0);

    for (int o = 0; o < AT_ONCE; o++)
        for (int x = 0; x < side; x++)
            sums[o][x] = o < n_outputs ? c->bias[first + o] : 0;
    for (int i = 0; i < n_in; i++) {
        const struct map *const from = c->in[i >= n_first];
        for (int ky = 0; ky < 3; ky++) {
            float weights[AT_ONCE][3] = {{0}};
            for (int o = 0; o < n_outputs; o++)
                memcpy(weights[o],
                       c->weights +
                           (((size_t)(first + o) * (size_t)n_in + (size_t)i) * 9 + (size_t)ky * 3),
                       sizeof(weights[o]));
            add_row(sums, row_of(from, i >= n_first ? i - n_first : i, y + (ky - 1) * c->dilation),
                    c->dilation, side, weights);
        }
    }
    for (int o = 0; o < n_outputs; o++) {
        float *const to = row_of(c->out, first + o, y);
        for (int x = 0; x < side; x++)
            to[x] = c->relu && sums[o][x] < 0 ? 0 : sums[o][x];
    }
}

/* fov_work: a task is AT_ONCE outputs. */
static bool claim(struct fov_work *work, int slot, uint32_t *ret_task)
{
    (void)slot;
    struct conv *const c = (struct conv *)work;
    if (c->n_claimed == c->n_tasks)
        return false;
    *ret_task = (uint32_t)c->n_claimed++;
    return true;
}

static void run(struct fov_work *work, uint32_t task, int slot)
{
    const struct conv *const c = (const struct conv *)work;
    const int first = (int)task * AT_ONCE, left = c->out->n_channels - first;
    (void)slot;
    for (int y = 0; y < c->out->side; y++)
        run_row(c, first, left < AT_ONCE ? left : AT_ONCE, y);
}

static void finish(struct fov_work *work, uint32_t task)
{
    struct conv *const c = (struct conv *)work;
    (void)task;
    c->n_done++;
}

static void run_all(struct fov_pool *pool, struct conv *c)
{
    c->work = (struct fov_work){.claim = claim, .run = run, .finish = finish};
    c->n_tasks = (c->out->n_channels + AT_ONCE - 1) / AT_ONCE;
    fov_pool_attach(pool, &c->work);
    fov_pool_lock(pool);
    while (c->n_done < c->n_tasks)
        fov_pool_help(pool, &c->work);
    fov_pool_unlock(pool);
    fov_pool_detach(pool, &c->work);
}

/* ---- weights ----------------------------------------------------------------------------- */

static const struct fov_tensor *find(const struct fov_u2net *net, const char *name,
                                     const char *what, struct fov_err *err)
{
    char full[NAME_BYTES + 40];
    (void)snprintf(full, sizeof(full), "%s.%s", name, what);
    const struct fov_tensor *const t = fov_weights_find(net->file, full);
    if (!t)
        (void)fov_fail(err, FOV_EMODEL, "%s: has no tensor %s, which a U^2-Net has",
                       fov_weights_name(net->file), full);
    return t;
}

/* Read a vector of `n`. */
static enum fov_code read_vector(const struct fov_u2net *net, const char *name, const char *what,
                                 size_t n, float *to, struct fov_err *err)
{
    const struct fov_tensor *const t = find(net, name, what, err);
    if (!t)
        return FOV_EMODEL;
    if (t->n_elements != n)
        return fov_fail(err, FOV_EMODEL, "%s: %s has %zu elements and not %zu",
                        fov_weights_name(net->file), t->name, t->n_elements, n);
    return fov_tensor_read(net->file, t, to, err);
}

/* Fold a batch normalisation into the convolution before it. */
static enum fov_code normalise(const struct fov_u2net *net, const char *name, int n_out,
                               size_t n_each, float *weights, float *bias, struct fov_err *err)
{
    enum { GAMMA, BETA, MEAN, VARIANCE, N };
    static const char *const what[N] = {"weight", "bias", "running_mean", "running_var"};
    const size_t n = (size_t)n_out;
    FOV_AUTO(fov_free_at) float *values = fov_calloc(N * n, sizeof(*values));
    enum fov_code rc = values ? FOV_OK : fov_fail(err, FOV_ENOMEM, "no memory for a layer");
    for (int i = 0; i < N && !rc; i++)
        rc = read_vector(net, name, what[i], n, values + (size_t)i * n, err);
    for (size_t o = 0; o < n && !rc; o++) {
        const float gain = values[o] / sqrtf(fmaxf(values[VARIANCE * n + o], 0) + 1e-5F);
        for (size_t k = 0; k < n_each; k++)
            weights[o * n_each + k] *= gain;
        bias[o] = (bias[o] - values[MEAN * n + o]) * gain + values[BETA * n + o];
    }
    return rc;
}

/* ---- layers ------------------------------------------------------------------------------ */

/* The convolution `conv` over one or two maps, with the normalisation `norm` (NULL: none) and ReLU
 * behind it, or neither. */
static enum fov_code convolve(struct fov_u2net *net, const char *conv, const char *norm,
                              int dilation, const struct map *a, const struct map *b,
                              struct map *out, struct fov_err *err)
{
    const size_t n_in = (size_t)a->n_channels + (b ? (size_t)b->n_channels : 0);
    const struct fov_tensor *const t = find(net, conv, "weight", err);
    enum fov_code rc;
    if (!t)
        return FOV_EMODEL;
    if (t->n_dims != 4 || t->dims[0] < 1 || t->dims[0] > MOST_CHANNELS || t->dims[1] != n_in ||
        t->dims[2] != 3 || t->dims[3] != 3)
        return fov_fail(err, FOV_EMODEL, "%s: %s is not of %zu channels and 3x3, as a U^2-Net's",
                        fov_weights_name(net->file), t->name, n_in);
    const int n_out = (int)t->dims[0];
    FOV_AUTO(fov_free_at) float *weights = fov_calloc(t->n_elements, sizeof(*weights));
    FOV_AUTO(fov_free_at) float *bias = fov_calloc((size_t)n_out, sizeof(*bias));
    if (!weights || !bias)
        return fov_fail(err, FOV_ENOMEM, "%s: no memory for a layer", fov_weights_name(net->file));
    if ((rc = fov_tensor_read(net->file, t, weights, err)) ||
        (rc = read_vector(net, conv, "bias", (size_t)n_out, bias, err)) ||
        (norm && (rc = normalise(net, norm, n_out, n_in * 9, weights, bias, err))) ||
        (rc = map_new(out, n_out, a->side, err)))
        return rc;
    struct conv c = {.in = {a, b},
                     .out = out,
                     .weights = weights,
                     .bias = bias,
                     .dilation = dilation,
                     .relu = norm != NULL};
    run_all(net->pool, &c);
    return FOV_OK;
}

/* The same by the name of a block. */
static enum fov_code block(struct fov_u2net *net, const char *stage, const char *name, int dilation,
                           const struct map *a, const struct map *b, struct map *out,
                           struct fov_err *err)
{
    char conv[NAME_BYTES], norm[NAME_BYTES];
    (void)snprintf(conv, sizeof(conv), "%s.rebnconv%s.conv_s1", stage, name);
    (void)snprintf(norm, sizeof(norm), "%s.rebnconv%s.bn_s1", stage, name);
    return convolve(net, conv, norm, dilation, a, b, out, err);
}

/* Half the side: the largest of each 2x2. */
static enum fov_code pool(const struct map *in, struct map *out, struct fov_err *err)
{
    const enum fov_code rc = map_new(out, in->n_channels, in->side / 2, err);
    for (int c = 0; c < in->n_channels && !rc; c++)
        for (int y = 0; y < out->side; y++) {
            const float *const a = row_of(in, c, 2 * y), *const b = row_of(in, c, 2 * y + 1);
            float *const to = row_of(out, c, y);
            for (size_t x = 0; x < (size_t)out->side; x++)
                to[x] = fmaxf(fmaxf(a[2 * x], a[2 * x + 1]), fmaxf(b[2 * x], b[2 * x + 1]));
        }
    return rc;
}

/* To a larger side, bilinear; corners are not aligned. */
static enum fov_code enlarge(const struct map *in, int side, struct map *out, struct fov_err *err)
{
    const float step = (float)in->side / (float)side;
    const enum fov_code rc = map_new(out, in->n_channels, side, err);
    for (int c = 0; c < in->n_channels && !rc; c++)
        for (int y = 0; y < side; y++) {
            const float at_y = fmaxf(((float)y + 0.5F) * step - 0.5F, 0);
            const int y0 = (int)at_y, y1 = y0 + 1 < in->side ? y0 + 1 : y0;
            const float *const a = row_of(in, c, y0), *const b = row_of(in, c, y1);
            float *const to = row_of(out, c, y), down = at_y - (float)y0;
            for (int x = 0; x < side; x++) {
                const float at = fmaxf(((float)x + 0.5F) * step - 0.5F, 0);
                const int x0 = (int)at, x1 = x0 + 1 < in->side ? x0 + 1 : x0;
                const float across = at - (float)x0;
                const float above = a[x0] + across * (a[x1] - a[x0]);
                const float below = b[x0] + across * (b[x1] - b[x0]);
                to[x] = above + down * (below - above);
            }
        }
    return rc;
}

/* Of conv_i and conv_id in RSU-4F. */
static int flat_dilation(int i)
{
    static const int dilations[] = {1, 2, 4, 8};
    return i >= 1 && i <= 4 ? dilations[i - 1] : 1;
}

/* What belongs to one U: h, e_1 .., and what comes up. */
struct u {
    struct map in, down[MOST_DEPTH + 1], up;
};

static void u_done(struct u *u)
{
    map_done(&u->in);
    map_done(&u->up);
    for (int i = 0; i <= MOST_DEPTH; i++)
        map_done(&u->down[i]);
}

/* From above down: e_1 to e_L. */
static enum fov_code go_down(struct fov_u2net *net, const char *stage, int depth, bool flat,
                             struct u *u, struct fov_err *err)
{
    enum fov_code rc = FOV_OK;
    for (int i = 1; i <= depth && !rc; i++) {
        FOV_AUTO(map_done) struct map half = {0};
        const struct map *from = i == 1 ? &u->in : &u->down[i - 1];
        const int dilation = flat ? flat_dilation(i) : i == depth ? 2 : 1;
        const char name[] = {(char)('0' + i), '\0'};
        if (!flat && i > 1 && i < depth) {
            if ((rc = pool(from, &half, err)))
                return rc;
            from = &half;
        }
        rc = block(net, stage, name, dilation, from, NULL, &u->down[i], err);
    }
    return rc;
}

/* And up again: d_L-1 to d_1, which is u->up. */
static enum fov_code go_up(struct fov_u2net *net, const char *stage, int depth, bool flat,
                           struct u *u, struct fov_err *err)
{
    const struct map *below = &u->down[depth];
    for (int i = depth - 1; i >= 1; i--) {
        FOV_AUTO(map_done) struct map larger = {0};
        const struct map *const beside = &u->down[i], *from = below;
        const char name[] = {(char)('0' + i), 'd', '\0'};
        struct map next = {0};
        enum fov_code rc;
        if (below->side != beside->side) {
            if ((rc = enlarge(below, beside->side, &larger, err)))
                return rc;
            from = &larger;
        }
        if ((rc = block(net, stage, name, flat ? flat_dilation(i) : 1, from, beside, &next, err)))
            return rc;
        map_done(&u->up);
        u->up = next;
        below = &u->up;
    }
    return FOV_OK;
}

/* RSU-`depth` over one or two maps; `flat` is RSU-4F. */
static enum fov_code run_stage(struct fov_u2net *net, const char *stage, int depth, bool flat,
                               const struct map *a, const struct map *b, struct map *out,
                               struct fov_err *err)
{
    FOV_AUTO(u_done) struct u u = {0};
    enum fov_code rc;
    if ((rc = block(net, stage, "in", 1, a, b, &u.in, err)) ||
        (rc = go_down(net, stage, depth, flat, &u, err)) ||
        (rc = go_up(net, stage, depth, flat, &u, err)))
        return rc;
    if (u.up.n_channels != u.in.n_channels)
        return fov_fail(err, FOV_EMODEL, "%s: %s ends with %d channels and begins with %d",
                        fov_weights_name(net->file), stage, u.up.n_channels, u.in.n_channels);
    for (int c = 0; c < u.in.n_channels; c++)
        for (int y = 0; y < u.in.side; y++) {
            float *const to = row_of(&u.up, c, y);
            const float *const from = row_of(&u.in, c, y);
            for (int x = 0; x < u.in.side; x++)
                to[x] += from[x];
        }
    *out = u.up;
    u.up.data = NULL;
    return FOV_OK;
}

/* ---- the net ----------------------------------------------------------------------------- */

static const struct {
    int depth;
    bool flat;
} stages[N_STAGES] = {{7, false}, {6, false}, {5, false}, {4, false}, {4, true}, {4, true}};

/* Everything that lives through a run. */
struct pass {
    struct map s[N_STAGES]; /* the first is the result of stage 1 */
    struct map t;
    float out[N_STAGES + 1]; /* the weights of outconv, and its bias */
};

static void pass_done(struct pass *p)
{
    map_done(&p->t);
    for (int i = 0; i < N_STAGES; i++)
        map_done(&p->s[i]);
}

/* Add what side `i` (from 0) sees in a map to the result. */
static enum fov_code add_side(struct fov_u2net *net, const struct pass *p, int i,
                              const struct map *from, int side, float *front, struct fov_err *err)
{
    FOV_AUTO(map_done) struct map one = {0};
    FOV_AUTO(map_done) struct map full = {0};
    const char name[] = {'s', 'i', 'd', 'e', (char)('1' + i), '\0'};
    enum fov_code rc;
    if ((rc = convolve(net, name, NULL, 1, from, NULL, &one, err)) ||
        (rc = enlarge(&one, side, &full, err)))
        return rc;
    if (one.n_channels != 1)
        return fov_fail(err, FOV_EMODEL, "%s: %s has %d outputs and not 1",
                        fov_weights_name(net->file), name, one.n_channels);
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++)
            front[(size_t)y * (size_t)side + (size_t)x] += p->out[i] * row_of(&full, 0, y)[x];
    return FOV_OK;
}

static enum fov_code encode(struct fov_u2net *net, const struct map *in, struct pass *p,
                            struct fov_err *err)
{
    enum fov_code rc = FOV_OK;
    for (int i = 0; i < N_STAGES && !rc; i++) {
        FOV_AUTO(map_done) struct map half = {0};
        const char name[] = {'s', 't', 'a', 'g', 'e', (char)('1' + i), '\0'};
        if (i && (rc = pool(&p->s[i - 1], &half, err)))
            return rc;
        rc = run_stage(net, name, stages[i].depth, stages[i].flat, i ? &half : in, NULL, &p->s[i],
                       err);
    }
    return rc;
}

static enum fov_code decode(struct fov_u2net *net, struct pass *p, int side, float *front,
                            struct fov_err *err)
{
    const struct map *below = &p->s[N_STAGES - 1];
    enum fov_code rc = add_side(net, p, N_STAGES - 1, below, side, front, err);
    for (int i = N_STAGES - 2; i >= 0 && !rc; i--) {
        FOV_AUTO(map_done) struct map larger = {0};
        const char name[] = {'s', 't', 'a', 'g', 'e', (char)('1' + i), 'd', '\0'};
        struct map next = {0};
        if ((rc = enlarge(below, p->s[i].side, &larger, err)) ||
            (rc = run_stage(net, name, stages[i].depth, stages[i].flat, &larger, &p->s[i], &next,
                            err)))
            return rc;
        map_done(&p->t);
        p->t = next;
        below = &p->t;
        rc = add_side(net, p, i, below, side, front, err);
    }
    return rc;
}

enum fov_code fov_u2net_run(struct fov_u2net *net, const float *rgb, int side, float *front,
                            struct fov_err *err)
{
    FOV_AUTO(map_done) struct map in = {0};
    FOV_AUTO(pass_done) struct pass p = {0};
    const size_t n = (size_t)side * (size_t)side;
    enum fov_code rc;

    if (side < 64 || side > MOST_SIDE || side % 32)
        return fov_fail(err, FOV_EUSAGE, "a side of %d: it is a multiple of 32 from 64 to %d", side,
                        MOST_SIDE);
    if ((rc = read_vector(net, "outconv", "weight", N_STAGES, p.out, err)) ||
        (rc = read_vector(net, "outconv", "bias", 1, p.out + N_STAGES, err)) ||
        (rc = map_new(&in, 3, side, err)))
        return rc;
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < side; y++)
            memcpy(row_of(&in, c, y), rgb + (size_t)c * n + (size_t)y * (size_t)side,
                   (size_t)side * sizeof(*rgb));
    memset(front, 0, n * sizeof(*front));
    if ((rc = encode(net, &in, &p, err)) || (rc = decode(net, &p, side, front, err)))
        return rc;
    for (size_t i = 0; i < n; i++)
        front[i] = 1 / (1 + expf(-(front[i] + p.out[N_STAGES])));
    return FOV_OK;
}

enum fov_code fov_u2net_open(const char *path, struct fov_pool *pool, struct fov_u2net **ret_net,
                             struct fov_err *err)
{
    struct fov_u2net *const net = fov_calloc(1, sizeof(*net));
    enum fov_code rc;
    if (!net)
        return fov_fail(err, FOV_ENOMEM, "%s: no memory for it", path);
    net->pool = pool;
    rc = fov_weights_open(path, &net->file, err);
    if (!rc && !fov_weights_find(net->file, "stage1.rebnconvin.conv_s1.weight"))
        rc = fov_fail(err, FOV_EMODEL,
                      "%s: is no U^2-Net, which is what finds what stands in front; "
                      "u2net.pth and u2netp.pth are",
                      path);
    if (rc) {
        fov_u2net_close(net);
        return rc;
    }
    *ret_net = net;
    return FOV_OK;
}

void fov_u2net_close(struct fov_u2net *net)
{
    if (!net)
        return;
    fov_weights_close(net->file);
    fov_free(net);
}
