/* SPDX-License-Identifier: Apache-2.0 */
/* fold.c -- make one convolution of the group that a network was trained with.
 *
 *     group(x) = conv.2(conv.1(conv.0(pad(x)))) + sk(x)      1x1, 3x3, 1x1, and a 1x1 beside them
 *              = eval_conv(x)                                3x3
 *
 * Such groups train better than the single convolution that they are equal to. The picture is
 * padded before the first of the row, so that a bias inside it is the same at the border as
 * elsewhere, and the equality is exact. Training does not touch eval_conv: what a file from
 * training holds there may be of any age, and its authors' code computes it anew whenever it runs
 * (SPAN, class Conv3XC, update_params()). So does this, in double precision.
 *
 * Threads: a file belongs to whoever opens a model. Owns: nothing; the numbers become the file's.
 * Trust: names, shapes and numbers come from a model file.
 */
#include "net/fold.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum { GROUP_BYTES = 96, NAME_BYTES = 128, TAPS = 9, CENTRE = 4, MAX_CHANNELS = 4096 };

/* The parts of a group, weight and bias in turn. */
enum { W1, B1, W2, B2, W3, B3, WS, BS, N_PARTS };

static const char *const parts[N_PARTS] = {
    "conv.0.weight", "conv.0.bias", "conv.1.weight", "conv.1.bias",
    "conv.2.weight", "conv.2.bias", "sk.weight",     "sk.bias",
};

/* Channels: of the input, after each convolution of the row; and the numbers of the parts. */
struct group {
    size_t n_in, n_1, n_2, n_out;
    float *part[N_PARTS];
};

static void group_done(struct group *g)
{
    for (int i = 0; i < N_PARTS; i++)
        fov_free(g->part[i]);
}

static const struct fov_tensor *find(const struct fov_weights *file, const char *name,
                                     const char *part)
{
    char whole[NAME_BYTES];
    (void)snprintf(whole, sizeof(whole), "%s.%s", name, part);
    return fov_weights_find(file, whole);
}

static bool is_convolution(const struct fov_tensor *t, size_t n_out, size_t n_in, size_t taps)
{
    return t && t->n_dims == 4 && t->dims[0] == n_out && t->dims[1] == n_in && t->dims[2] == taps &&
           t->dims[3] == taps;
}

/* Set the channels of `g` when the parts fit together and to `eval`, the one they are equal to. */
static bool fits(const struct fov_tensor *const t[N_PARTS], const struct fov_tensor *eval,
                 struct group *g)
{
    for (int i = 0; i < N_PARTS; i++)
        if (!t[i] || t[i]->n_dims != (i % 2 ? 1 : 4))
            return false;
    g->n_in = t[W1]->dims[1];
    g->n_1 = t[W1]->dims[0];
    g->n_2 = t[W2]->dims[0];
    g->n_out = t[W3]->dims[0];
    return g->n_in && g->n_1 && g->n_2 && g->n_out && g->n_in <= MAX_CHANNELS &&
           g->n_1 <= MAX_CHANNELS && g->n_2 <= MAX_CHANNELS && g->n_out <= MAX_CHANNELS &&
           is_convolution(t[W1], g->n_1, g->n_in, 1) && is_convolution(t[W2], g->n_2, g->n_1, 3) &&
           is_convolution(t[W3], g->n_out, g->n_2, 1) &&
           is_convolution(t[WS], g->n_out, g->n_in, 1) &&
           is_convolution(eval, g->n_out, g->n_in, 3) && t[B1]->n_elements == g->n_1 &&
           t[B2]->n_elements == g->n_2 && t[B3]->n_elements == g->n_out &&
           t[BS]->n_elements == g->n_out;
}

static enum fov_code read_group(const struct fov_weights *file, const char *name,
                                const struct fov_tensor *eval, struct group *g, struct fov_err *err)
{
    const struct fov_tensor *t[N_PARTS];
    enum fov_code rc;

    for (int i = 0; i < N_PARTS; i++)
        t[i] = find(file, name, parts[i]);
    if (!fits(t, eval, g))
        return fov_fail(err, FOV_EMODEL,
                        "%s: the tensors %.60s.conv, .sk and .eval_conv do not make one "
                        "convolution",
                        fov_weights_name(file), name);
    for (int i = 0; i < N_PARTS; i++) {
        if (!(g->part[i] = fov_calloc(t[i]->n_elements, sizeof(float))))
            return fov_fail(err, FOV_ENOMEM, "%s: no memory to fold %.60s", fov_weights_name(file),
                            name);
        if ((rc = fov_tensor_read(file, t[i], g->part[i], err)))
            return rc;
    }
    return FOV_OK;
}

/* Channel `m` of the 3x3 convolution, seen from the input: row[tap][i], and its bias. */
static double middle_channel(const struct group *g, size_t m, double *row)
{
    double bias = (double)g->part[B2][m];
    memset(row, 0, TAPS * g->n_in * sizeof(*row));
    for (size_t k = 0; k < g->n_1; k++) {
        const float *const first = g->part[W1] + k * g->n_in;
        for (size_t tap = 0; tap < TAPS; tap++) {
            const double w = (double)g->part[W2][(m * g->n_1 + k) * TAPS + tap];
            bias += w * (double)g->part[B1][k];
            for (size_t i = 0; i < g->n_in; i++)
                row[tap * g->n_in + i] += w * (double)first[i];
        }
    }
    return bias;
}

/* sum[o][tap][i] and bias[o] of the whole group; `row` is scratch. */
static void sum_group(const struct group *g, double *sum, double *bias, double *row)
{
    const size_t n = TAPS * g->n_in;
    for (size_t o = 0; o < g->n_out; o++) {
        bias[o] = (double)g->part[B3][o] + (double)g->part[BS][o];
        for (size_t i = 0; i < g->n_in; i++)
            sum[o * n + CENTRE * g->n_in + i] = (double)g->part[WS][o * g->n_in + i];
    }
    for (size_t m = 0; m < g->n_2; m++) {
        const double b = middle_channel(g, m, row);
        for (size_t o = 0; o < g->n_out; o++) {
            const double w = (double)g->part[W3][o * g->n_2 + m];
            bias[o] += w * b;
            for (size_t i = 0; i < n; i++)
                sum[o * n + i] += w * row[i];
        }
    }
}

/* Put what the group makes in the place of its eval_conv. */
static enum fov_code fold_group(struct fov_weights *file, const char *name, struct fov_err *err)
{
    FOV_AUTO(group_done) struct group g = {0};
    char weight_name[NAME_BYTES], bias_name[NAME_BYTES];
    float *weight, *bias;
    enum fov_code rc;

    (void)snprintf(weight_name, sizeof(weight_name), "%s.eval_conv.weight", name);
    (void)snprintf(bias_name, sizeof(bias_name), "%s.eval_conv.bias", name);
    if ((rc = read_group(file, name, fov_weights_find(file, weight_name), &g, err)))
        return rc;
    const size_t n = TAPS * g.n_in;
    FOV_AUTO(fov_free_at) double *sum = fov_calloc(g.n_out * n + g.n_out + n, sizeof(*sum));
    if (!sum)
        return fov_fail(err, FOV_ENOMEM, "%s: no memory to fold %.60s", fov_weights_name(file),
                        name);
    double *const sum_bias = sum + g.n_out * n;
    sum_group(&g, sum, sum_bias, sum_bias + g.n_out);

    if ((rc = fov_weights_replace(file, weight_name, g.n_out * n, &weight, err)) ||
        (rc = fov_weights_replace(file, bias_name, g.n_out, &bias, err)))
        return rc;
    for (size_t o = 0; o < g.n_out; o++) {
        bias[o] = (float)sum_bias[o];
        for (size_t i = 0; i < g.n_in; i++)
            for (size_t tap = 0; tap < TAPS; tap++)
                weight[(o * g.n_in + i) * TAPS + tap] = (float)sum[o * n + tap * g.n_in + i];
    }
    return FOV_OK;
}

/* If `t` is the eval_conv.weight of a group, the group's name. */
static bool names_group(const struct fov_weights *file, const struct fov_tensor *t,
                        char name[GROUP_BYTES])
{
    static const char end[] = ".eval_conv.weight";
    const size_t whole = strlen(t->name), end_length = sizeof(end) - 1;
    if (whole <= end_length || whole - end_length >= GROUP_BYTES)
        return false;
    const size_t length = whole - end_length;
    if (strcmp(t->name + length, end))
        return false;
    memcpy(name, t->name, length);
    name[length] = '\0';
    return fov_fold_n_tensors(file, name) > 0;
}

enum fov_code fov_fold(struct fov_weights *file, struct fov_err *err)
{
    char name[GROUP_BYTES];
    for (size_t i = 0; i < fov_weights_count(file); i++) {
        if (!names_group(file, fov_weights_at(file, i), name))
            continue;
        const enum fov_code rc = fold_group(file, name, err);
        if (rc)
            return rc;
    }
    return FOV_OK;
}

size_t fov_fold_n_tensors(const struct fov_weights *file, const char *name)
{
    size_t n = 0;
    for (int i = 0; i < N_PARTS; i++)
        n += find(file, name, parts[i]) != NULL;
    return n;
}
