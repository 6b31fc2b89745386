/* SPDX-License-Identifier: Apache-2.0 */
/* matte.c -- tell a thing from the even ground that it was photographed on.
 *
 * Shops photograph on paper: one colour, lighter in the middle than in the corners, with the
 * camera's noise and JPEG's. So the ground is a surface of second order in each channel, fitted to
 * those pixels of the border that agree; whatever lies near it and is connected to the border is
 * ground, and what lies within the thing is not, however white. At the edge a pixel is a mixture,
 * I = a F + (1 - a) B, of the thing's colour nearby and the ground's: a is found by projection and
 * B is taken out, so that no fringe stays on another ground.
 *
 * Threads: one a picture. Owns: nothing afterwards. Trust: pixels only.
 */
#include "image/matte.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum {
    RIM = 2,     /* pixels at each side that count as border */
    N_TERMS = 6, /* of the surface */
    NEAR = 30,   /* of the median, in 8-bit steps, may be ground at first */
    BAND = 2,    /* pixels on either side of the edge that may be mixtures */
    AROUND = 4,  /* how far the thing's colour is looked for */
    LEAST_CONTRAST = 12,
};
#define LEAST_EVEN_SHARE 0.6

/* Marks in the map of a picture. */
enum { UNKNOWN, GROUND, THING, SPECK };

struct matte {
    uint8_t *rgb;
    uint8_t *map;      /* a mark a pixel */
    uint8_t *distance; /* to the other side, up to BAND + 1 */
    int w, h;
    double surface[3][N_TERMS];
    double noise;
    size_t *stack; /* of pixels to look around */
    size_t n_stack, room;
};

/* ---- the ground -------------------------------------------------------------------------- */

static void terms_at(const struct matte *m, int x, int y, double terms[N_TERMS])
{
    const double u = 2.0 * x / m->w - 1, v = 2.0 * y / m->h - 1;
    const double t[N_TERMS] = {1, u, v, u * u, v * v, u * v};
    memcpy(terms, t, sizeof(t));
}

static void ground_at(const struct matte *m, int x, int y, double ground[3])
{
    double t[N_TERMS];
    terms_at(m, x, y, t);
    for (int c = 0; c < 3; c++) {
        ground[c] = 0;
        for (int i = 0; i < N_TERMS; i++)
            ground[c] += m->surface[c][i] * t[i];
    }
}

/* How far a pixel is from the ground there, in its worst channel. */
static double off_ground(const struct matte *m, int x, int y)
{
    const uint8_t *const p = m->rgb + 3 * ((size_t)y * (size_t)m->w + (size_t)x);
    double ground[3], most = 0;
    ground_at(m, x, y, ground);
    for (int c = 0; c < 3; c++)
        most = fmax(most, fabs(p[c] - ground[c]));
    return most;
}

static bool is_border(const struct matte *m, int x, int y)
{
    return x < RIM || y < RIM || x >= m->w - RIM || y >= m->h - RIM;
}

/* The next pixel of the border in reading order, from (*x, *y) on. */
static bool next_border(const struct matte *m, int *x, int *y)
{
    for (; *y < m->h; (*y)++, *x = 0)
        for (; *x < m->w; (*x)++) {
            if (is_border(m, *x, *y))
                return true;
            *x = m->w - RIM - 1; /* across the middle */
        }
    return false;
}

/* Begin with the median of each channel of the border. */
static void begin_with_median(struct matte *m)
{
    for (int c = 0; c < 3; c++) {
        long counts[256] = {0}, n = 0, sum = 0;
        int value = 0;
        for (int x = 0, y = 0; next_border(m, &x, &y); x++, n++)
            counts[m->rgb[3 * ((size_t)y * (size_t)m->w + (size_t)x) + (size_t)c]]++;
        while (value < 255 && (sum += counts[value]) * 2 <= n)
            value++;
        memset(m->surface[c], 0, sizeof(m->surface[c]));
        m->surface[c][0] = value;
    }
}

/* Solve a x = b in place by elimination; a is symmetric and has weight on its diagonal. */
static void solve(double a[N_TERMS][N_TERMS], double b[N_TERMS])
{
    for (int i = 0; i < N_TERMS; i++)
        for (int j = i + 1; j < N_TERMS; j++) {
            const double f = a[j][i] / a[i][i];
            for (int k = i; k < N_TERMS; k++)
                a[j][k] -= f * a[i][k];
            b[j] -= f * b[i];
        }
    for (int i = N_TERMS - 1; i >= 0; i--) {
        for (int k = i + 1; k < N_TERMS; k++)
            b[i] -= a[i][k] * b[k];
        b[i] /= a[i][i];
    }
}

/* Fit the surface to the border's pixels that are within `near` of it; the share of those. */
static double fit(struct matte *m, double near)
{
    double a[3][N_TERMS][N_TERMS] = {0}, b[3][N_TERMS] = {0}, squares = 0;
    long n = 0, n_near = 0;
    for (int x = 0, y = 0; next_border(m, &x, &y); x++, n++) {
        const uint8_t *const p = m->rgb + 3 * ((size_t)y * (size_t)m->w + (size_t)x);
        double t[N_TERMS], ground[3];
        if (off_ground(m, x, y) > near)
            continue;
        n_near++;
        terms_at(m, x, y, t);
        ground_at(m, x, y, ground);
        for (int c = 0; c < 3; c++) {
            squares += (p[c] - ground[c]) * (p[c] - ground[c]) / 3;
            for (int i = 0; i < N_TERMS; i++) {
                b[c][i] += t[i] * p[c];
                for (int j = 0; j < N_TERMS; j++)
                    a[c][i][j] += t[i] * t[j];
            }
        }
    }
    if (!n_near)
        return 0;
    m->noise = sqrt(squares / (double)n_near);
    for (int c = 0; c < 3; c++) {
        for (int i = 0; i < N_TERMS; i++) /* curves only as much as the border asks for */
            a[c][i][i] += (double)n_near * (i == 0 ? 1e-9 : i < 3 ? 1e-4 : 1e-2);
        solve(a[c], b[c]);
        memcpy(m->surface[c], b[c], sizeof(b[c]));
    }
    return (double)n_near / (double)n;
}

/* ---- what is connected ------------------------------------------------------------------- */

static bool push(struct matte *m, size_t at)
{
    if (m->n_stack == m->room) {
        const size_t room = m->room ? 2 * m->room : 4096;
        size_t *const stack = fov_realloc(m->stack, room, sizeof(*stack));
        if (!stack)
            return false;
        m->stack = stack;
        m->room = room;
    }
    m->stack[m->n_stack++] = at;
    return true;
}

/* Turn all `from` that is connected to pixel `at` (whose mark is `to` already) into `to`; counts
 * them. With `near`, only pixels that are within it of the ground. */
static bool spread(struct matte *m, size_t at, int from, int to, double near, size_t *ret_n)
{
    static const int across[] = {1, -1, 0, 0}, down[] = {0, 0, 1, -1};
    const size_t w = (size_t)m->w;
    m->n_stack = 0;
    *ret_n = 1;
    if (!push(m, at))
        return false;
    while (m->n_stack) {
        const size_t here = m->stack[--m->n_stack];
        const int x = (int)(here % w), y = (int)(here / w);
        for (int i = 0; i < 4; i++) {
            const int nx = x + across[i], ny = y + down[i];
            if (nx < 0 || ny < 0 || nx >= m->w || ny >= m->h)
                continue;
            const size_t next = (size_t)ny * w + (size_t)nx;
            if (m->map[next] != from || (near > 0 && off_ground(m, nx, ny) > near))
                continue;
            m->map[next] = (uint8_t)to;
            ++*ret_n;
            if (!push(m, next))
                return false;
        }
    }
    return true;
}

/* Mark the ground, from every pixel of the border that is near it. */
static bool mark_ground(struct matte *m, double near)
{
    size_t n;
    for (int x = 0, y = 0; next_border(m, &x, &y); x++) {
        const size_t at = (size_t)y * (size_t)m->w + (size_t)x;
        if (m->map[at] != UNKNOWN || off_ground(m, x, y) > near)
            continue;
        m->map[at] = GROUND;
        if (!spread(m, at, UNKNOWN, GROUND, near, &n))
            return false;
    }
    return true;
}

/* Mark the things; what is as small as a fleck of noise is ground. Gives how many pixels they have
 * together. */
static bool mark_things(struct matte *m, size_t *ret_n)
{
    const size_t n_px = (size_t)m->w * (size_t)m->h, fleck = 8 + n_px / 20000;
    size_t n, again;
    *ret_n = 0;
    for (size_t at = 0; at < n_px; at++) {
        if (m->map[at] != UNKNOWN)
            continue;
        m->map[at] = SPECK;
        if (!spread(m, at, UNKNOWN, SPECK, 0, &n))
            return false;
        const int mark = n > fleck ? THING : GROUND;
        m->map[at] = (uint8_t)mark;
        if (!spread(m, at, SPECK, mark, 0, &again))
            return false;
        *ret_n += n > fleck ? n : 0;
    }
    return true;
}

/* ---- the edge ---------------------------------------------------------------------------- */

/* How far each pixel is from the other side, up to BAND + 1. */
static void measure(struct matte *m)
{
    const size_t w = (size_t)m->w;
    memset(m->distance, BAND + 1, w * (size_t)m->h);
    for (int far = 1; far <= BAND; far++)
        for (int y = 0; y < m->h; y++)
            for (int x = 0; x < m->w; x++) {
                const size_t at = (size_t)y * w + (size_t)x;
                if (m->distance[at] <= far)
                    continue;
                for (int dy = -1; dy <= 1; dy++)
                    for (int dx = -1; dx <= 1; dx++) {
                        const int nx = x + dx, ny = y + dy;
                        if (nx < 0 || ny < 0 || nx >= m->w || ny >= m->h)
                            continue;
                        const size_t next = (size_t)ny * w + (size_t)nx;
                        const bool other = m->map[next] != m->map[at];
                        if (far == 1 ? other : !other && m->distance[next] == far - 1)
                            m->distance[at] = (uint8_t)far;
                    }
            }
}

/* The thing's colour near a pixel: the mean of what is surely of it, or else what differs most from
 * the ground, which is all that a hair or a thread has. */
static void thing_near(const struct matte *m, int x, int y, double thing[3])
{
    double sum[3] = {0}, most = -1;
    int n = 0;
    for (int ny = y - AROUND; ny <= y + AROUND; ny++)
        for (int nx = x - AROUND; nx <= x + AROUND; nx++) {
            if (nx < 0 || ny < 0 || nx >= m->w || ny >= m->h)
                continue;
            const size_t at = (size_t)ny * (size_t)m->w + (size_t)nx;
            const uint8_t *const p = m->rgb + 3 * at;
            if (m->map[at] != THING)
                continue;
            if (m->distance[at] > BAND) {
                n++;
                for (int c = 0; c < 3; c++)
                    sum[c] += p[c];
            } else if (n == 0 && off_ground(m, nx, ny) > most) {
                most = off_ground(m, nx, ny);
                for (int c = 0; c < 3; c++)
                    thing[c] = p[c];
            }
        }
    for (int c = 0; c < 3 && n; c++)
        thing[c] = sum[c] / n;
    if (!n && most < 0)
        for (int c = 0; c < 3; c++)
            thing[c] = m->rgb[3 * ((size_t)y * (size_t)m->w + (size_t)x) + (size_t)c];
}

/* The share of the thing in a pixel at the edge. */
static double unmix(const struct matte *m, int x, int y, const double ground[3])
{
    const size_t at = (size_t)y * (size_t)m->w + (size_t)x;
    const uint8_t *const p = m->rgb + 3 * at;
    double thing[3], dot = 0, length = 0;
    thing_near(m, x, y, thing);
    for (int c = 0; c < 3; c++) {
        dot += (p[c] - ground[c]) * (thing[c] - ground[c]);
        length += (thing[c] - ground[c]) * (thing[c] - ground[c]);
    }
    if (length < LEAST_CONTRAST * LEAST_CONTRAST) /* white on white: no mixture can be told */
        return m->map[at] == THING ? fmin(1, off_ground(m, x, y) / LEAST_CONTRAST) : 0;
    return fmin(1, fmax(0, dot / length));
}

/* Alpha of all pixels, from colours that are still as they were. */
static void find_alpha(const struct matte *m, uint8_t *alpha)
{
    double ground[3];
    for (int y = 0; y < m->h; y++)
        for (int x = 0; x < m->w; x++) {
            const size_t at = (size_t)y * (size_t)m->w + (size_t)x;
            alpha[at] = m->map[at] == THING ? 255 : 0;
            if (m->distance[at] > BAND)
                continue;
            ground_at(m, x, y, ground);
            alpha[at] = (uint8_t)lround(255 * unmix(m, x, y, ground));
        }
}

/* Take the ground out of the mixtures. */
static void clean_colours(struct matte *m, const uint8_t *alpha)
{
    double ground[3];
    for (int y = 0; y < m->h; y++)
        for (int x = 0; x < m->w; x++) {
            const size_t at = (size_t)y * (size_t)m->w + (size_t)x;
            const double a = fmax(alpha[at] / 255.0, 0.1);
            if (alpha[at] == 0 || alpha[at] == 255)
                continue;
            ground_at(m, x, y, ground);
            for (int c = 0; c < 3; c++) {
                const double pure = ground[c] + (m->rgb[3 * at + (size_t)c] - ground[c]) / a;
                m->rgb[3 * at + (size_t)c] = (uint8_t)lround(fmin(255, fmax(0, pure)));
            }
        }
}

/* ---- all of it --------------------------------------------------------------------------- */

static enum fov_code find_ground(struct matte *m, struct fov_err *err)
{
    begin_with_median(m);
    double share = fit(m, NEAR);
    for (int i = 0; i < 2 && share > 0; i++)
        share = fit(m, fmin(NEAR, fmax(6, 3 * m->noise)));
    if (share > 0) { /* noise is that around the surface now */
        struct matte around = *m;
        share = fit(&around, fmin(NEAR, fmax(8, 4 * m->noise)));
        m->noise = around.noise;
    }
    if (share >= LEAST_EVEN_SHARE)
        return FOV_OK;
    return fov_fail(err, FOV_EFORMAT,
                    "only %.0f %% of the picture's border have one colour, and an even ground has "
                    "%.0f %%",
                    100 * share, 100 * LEAST_EVEN_SHARE);
}

static void matte_done(struct matte *m)
{
    fov_free(m->map);
    fov_free(m->distance);
    fov_free(m->stack);
}

enum fov_code fov_matte(uint8_t *rgb, int width_px, int height_px, uint8_t *alpha,
                        struct fov_err *err)
{
    const size_t n_px = (size_t)width_px * (size_t)height_px;
    FOV_AUTO(matte_done) struct matte m = {.rgb = rgb, .w = width_px, .h = height_px};
    size_t n_thing = 0;
    enum fov_code rc;

    m.map = fov_calloc(n_px, 1);
    m.distance = fov_calloc(n_px, 1);
    if (!m.map || !m.distance)
        return fov_fail(err, FOV_ENOMEM, "no memory to find the ground");
    if ((rc = find_ground(&m, err)))
        return rc;
    if (!mark_ground(&m, fmin(28, 8 + 4 * m.noise)) || !mark_things(&m, &n_thing))
        return fov_fail(err, FOV_ENOMEM, "no memory to follow the ground");
    if (n_thing == 0)
        return fov_fail(err, FOV_EFORMAT, "nothing stands out from the ground");
    measure(&m);
    find_alpha(&m, alpha);
    clean_colours(&m, alpha);
    return FOV_OK;
}
