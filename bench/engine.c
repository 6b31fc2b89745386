/* SPDX-License-Identifier: Apache-2.0 */
/* engine.c -- time the engine on one picture, one run for each line that is asked for.
 *
 * usage: bench_engine MODEL WIDTH HEIGHT [--threads N] [--cpu LEVEL] [--exact] [--dump FILE]
 *
 * Systems are compared fairly only when they take turns, so this program first prints what it is,
 * a line of JSON, and then does nothing until a line comes on standard input: then it enlarges the
 * picture once and prints the seconds. At the end of input it prints the peak of its memory, JSON
 * again, and with --dump writes the last result as raw float32, so that the driver (bench/run) can
 * compare pictures too. The peers (peer_torch.py, peer_ort.js) speak the same.
 *
 * The picture is made of whole numbers only, so that Python can make the very same one: waves in
 * both directions and noise, each with 256 levels.
 *
 * Threads: those of the engine. Owns: all it opens, until the process ends. Trust: its caller.
 */
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fovea/fovea.h"

#define MAX_SIDE_PX 16384

struct options {
    const char *model;
    const char *dump; /* or NULL */
    int width_px, height_px;
    struct fov_engine_options engine;
};

struct bench {
    struct fov_engine *engine;
    struct fov_model *model;
    struct fov_shape shape;
    float *input, *result;
    size_t n_result; /* floats */
};

/* A whole number from `min` to `max`, or -1. */
static int parse_number(const char *text, int min, int max)
{
    char *end;
    const long n = strtol(text, &end, 10);

    return *text && !*end && n >= min && n <= max ? (int)n : -1;
}

static int parse_options(int argc, char **argv, struct options *ret_options)
{
    struct options o = {0};

    if (argc < 4)
        return -1;
    o.model = argv[1];
    o.width_px = parse_number(argv[2], 1, MAX_SIDE_PX);
    o.height_px = parse_number(argv[3], 1, MAX_SIDE_PX);
    for (int i = 4; i < argc; i++) {
        const char *const value = i + 1 < argc ? argv[i + 1] : NULL;

        if (!strcmp(argv[i], "--exact"))
            o.engine.exact = 1;
        else if (!strcmp(argv[i], "--threads") && value)
            o.engine.n_threads = parse_number(argv[++i], 0, 256);
        else if (!strcmp(argv[i], "--cpu") && value)
            o.engine.cpu = argv[++i];
        else if (!strcmp(argv[i], "--dump") && value)
            o.dump = argv[++i];
        else
            return -1;
    }
    if (o.width_px < 0 || o.height_px < 0 || o.engine.n_threads < 0)
        return -1;
    *ret_options = o;
    return 0;
}

/* 0 to 255 and back, with a period of 512. */
static unsigned wave(unsigned phase)
{
    phase &= 511;
    return phase < 256 ? phase : 511 - phase;
}

/* Interleaved RGB in 0..1. bench/peers.py makes the same picture: change both or neither. */
static void make_picture(const struct fov_shape *shape, float *pixels)
{
    uint32_t i = 0;

    for (unsigned y = 0; y < (unsigned)shape->height_px; y++)
        for (unsigned x = 0; x < (unsigned)shape->width_px; x++)
            for (unsigned c = 0; c < 3; c++, i++) {
                const uint32_t noise = (i * 2654435761u) >> 24;
                const unsigned waves = wave(7 * x + 85 * c) + 2 * wave(5 * y + x);

                pixels[i] = (float)(waves + noise) / 1020.0f;
            }
}

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static enum fov_code open_bench(const struct options *o, struct bench *b, struct fov_err *err)
{
    const size_t n_input = (size_t)o->width_px * (size_t)o->height_px * 3;
    struct fov_model_info info;
    enum fov_code rc;

    mallopt(M_MMAP_THRESHOLD, 1 << 20); /* as the program does: freed pictures leave nothing */
    if ((rc = fov_engine_open(&o->engine, &b->engine, err)) ||
        (rc = fov_model_open(b->engine, o->model, &b->model, err)))
        return rc;
    fov_model_get_info(b->model, &info);
    b->shape = (struct fov_shape){o->width_px, o->height_px, 3, FOV_F32, FOV_INTERLEAVED};
    b->n_result = n_input * (size_t)info.scale * (size_t)info.scale;
    b->input = malloc(n_input * sizeof(*b->input));
    b->result = calloc(b->n_result, sizeof(*b->result));
    if (!b->input || !b->result) {
        snprintf(err->text, sizeof(err->text), "no memory for the pictures");
        return err->code = FOV_ENOMEM;
    }
    make_picture(&b->shape, b->input);
    printf("{\"version\": \"%s\", \"architecture\": \"%s\", \"scale\": %d, "
           "\"multiply_adds\": %lld, \"cpu\": \"%s\", \"threads\": %d, "
           "\"working_bytes\": %zu}\n",
           fov_version(), info.architecture, info.scale, info.n_multiply_adds,
           fov_engine_cpu(b->engine), fov_engine_n_threads(b->engine),
           fov_stream_memory(b->model, &b->shape));
    fflush(stdout);
    return FOV_OK;
}

static void close_bench(struct bench *b)
{
    free(b->result);
    free(b->input);
    fov_model_close(b->model);
    fov_engine_close(b->engine);
}

/* Wait for the end of a line on standard input; 0 when there are no more. */
static int next_line(void)
{
    int c;

    while ((c = getchar()) != EOF)
        if (c == '\n')
            return 1;
    return 0;
}

static enum fov_code run_bench(struct bench *b, struct fov_err *err)
{
    while (next_line()) {
        const double start_s = now_s();
        const enum fov_code rc = fov_upscale(b->model, &b->shape, b->input, b->result, err);

        if (rc)
            return rc;
        printf("%.4f\n", now_s() - start_s);
        fflush(stdout);
    }
    return FOV_OK;
}

static enum fov_code dump_result(const struct bench *b, const char *path, struct fov_err *err)
{
    FILE *const f = fopen(path, "wb");
    const size_t n_written = f ? fwrite(b->result, sizeof(*b->result), b->n_result, f) : 0;

    if ((f && fclose(f)) || n_written != b->n_result) {
        snprintf(err->text, sizeof(err->text), "%s: cannot be written", path);
        return err->code = FOV_EOUTPUT;
    }
    return FOV_OK;
}

/* Peak resident memory, or -1. Not getrusage(): its maximum outlives exec, so a child of a large
 * Python process would report the size of Python. */
static long peak_memory_kb(void)
{
    FILE *const f = fopen("/proc/self/status", "r");
    char line[256];
    long kb = -1;

    while (f && kb < 0 && fgets(line, sizeof(line), f))
        if (sscanf(line, "VmHWM: %ld kB", &kb) != 1)
            kb = -1;
    if (f)
        fclose(f);
    return kb;
}

int main(int argc, char **argv)
{
    struct fov_err err = {FOV_OK, ""};
    struct bench b = {0};
    struct options o;
    enum fov_code rc;

    if (parse_options(argc, argv, &o)) {
        fprintf(stderr, "usage: bench_engine MODEL WIDTH HEIGHT [--threads N] [--cpu LEVEL] "
                        "[--exact] [--dump FILE]\n");
        return 2;
    }
    if (!(rc = open_bench(&o, &b, &err)) && !(rc = run_bench(&b, &err)) && o.dump)
        rc = dump_result(&b, o.dump, &err);
    if (!rc)
        printf("{\"peak_kb\": %ld}\n", peak_memory_kb());
    close_bench(&b);
    if (rc) {
        fprintf(stderr, "bench_engine: %s\n", err.text);
        return 1;
    }
    return 0;
}
