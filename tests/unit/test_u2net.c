/* SPDX-License-Identifier: Apache-2.0 */
/* test_u2net.c -- U^2-Net against PyTorch, files that are none, and memory that runs out.
 *
 * usage: test_u2net FOLDER, that of tests/vectors
 *        test_u2net --bench FILE N_THREADS, to print what 320x320 pixels take
 */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unit/cmocka_all.h"

#include "base/clock.h"
#include "base/mem.h"
#include "net/u2net.h"
#include "net/weights.h"

enum { SIDE = 64, N = SIDE * SIDE };

static const char *folder;
static float input[3 * N], want[N];

static const char *file(const char *name)
{
    static char path[4096];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static int load_vectors(void **state)
{
    struct fov_weights *w;
    (void)state;
    if (fov_weights_open(file("u2net.vectors.safetensors"), &w, NULL) ||
        fov_tensor_read(w, fov_weights_find(w, "input"), input, NULL) ||
        fov_tensor_read(w, fov_weights_find(w, "output"), want, NULL))
        return -1;
    fov_weights_close(w);
    return 0;
}

/* Open and run with `n_threads`; the result is `got`. */
static enum fov_code pass(int n_threads, float *got, struct fov_err *err)
{
    struct fov_pool *pool;
    struct fov_u2net *net;
    enum fov_code rc = fov_pool_open(n_threads, &pool, err);
    if (rc)
        return rc;
    rc = fov_u2net_open(file("u2net.model.safetensors"), pool, &net, err);
    if (!rc) {
        rc = fov_u2net_run(net, input, SIDE, got, err);
        fov_u2net_close(net);
    }
    fov_pool_close(pool);
    return rc;
}

static void is_what_pytorch_makes(void **state)
{
    static float got[2][N];
    double worst = 0;
    (void)state;
    assert_int_equal(pass(1, got[0], NULL), FOV_OK);
    assert_int_equal(pass(3, got[1], NULL), FOV_OK);
    assert_memory_equal(got[0], got[1], sizeof(got[0]));
    for (int i = 0; i < N; i++)
        worst = fmax(worst, fabs((double)got[0][i] - (double)want[i]));
    assert_true(worst < 1e-4);
}

static void a_file_that_is_none_and_a_side_that_is_none(void **state)
{
    struct fov_pool *pool;
    struct fov_u2net *net;
    struct fov_err err = {0};
    float got[N];
    (void)state;
    assert_int_equal(fov_pool_open(1, &pool, NULL), FOV_OK);
    assert_int_equal(fov_u2net_open(file("compact.model.safetensors"), pool, &net, &err),
                     FOV_EMODEL);
    assert_non_null(strstr(err.text, "is no U^2-Net"));
    assert_int_equal(fov_u2net_open(file("u2net.model.safetensors"), pool, &net, NULL), FOV_OK);
    for (int side = 0; side < 63; side += 31)
        assert_int_equal(fov_u2net_run(net, input, side, got, NULL), FOV_EUSAGE);
    assert_int_equal(fov_u2net_run(net, input, 1056, got, NULL), FOV_EUSAGE);
    fov_u2net_close(net);
    fov_u2net_close(NULL);
    fov_pool_close(pool);
}

/* A file in which one word was exchanged for one of the same length. */
static void tensors_that_do_not_fit(void **state)
{
    static const struct {
        const char *from, *to, *sentence;
    } cases[] = {
        {"stage3d.rebnconv2.bn_s1.running_var", "stage3d.rebnconv2.bn_s1.running_Var",
         "has no tensor stage3d.rebnconv2.bn_s1.running_var"},
        {"\"shape\":[3,6,3,3]", "\"shape\":[6,3,3,3]", "is not of 6 channels"},
        {"outconv.bias", "outconv.Bias", "has no tensor outconv.bias"},
    };
    struct fov_pool *pool;
    (void)state;
    FILE *const f = fopen(file("u2net.model.safetensors"), "rb");
    char *const text = calloc(1, 1 << 20);
    assert_non_null(f);
    const size_t n = fread(text, 1, 1 << 20, f);
    (void)fclose(f);
    assert_int_equal(fov_pool_open(1, &pool, NULL), FOV_OK);
    for (size_t i = 0; i < FOV_N_ELEMENTS(cases); i++) {
        char path[] = "/tmp/test_u2net-XXXXXX";
        const int fd = mkstemp(path);
        char *const copy = malloc(n);
        memcpy(copy, text, n);
        char *const at = memmem(copy, n, cases[i].from, strlen(cases[i].from));
        assert_non_null(at);
        memcpy(at, cases[i].to, strlen(cases[i].to));
        assert_int_equal(write(fd, copy, n), n);
        (void)close(fd);
        struct fov_u2net *net;
        struct fov_err err = {0};
        float got[N];
        assert_int_equal(fov_u2net_open(path, pool, &net, NULL), FOV_OK);
        assert_int_equal(fov_u2net_run(net, input, SIDE, got, &err), FOV_EMODEL);
        assert_non_null(strstr(err.text, cases[i].sentence));
        fov_u2net_close(net);
        (void)unlink(path);
        free(copy);
    }
    fov_pool_close(pool);
    free(text);
}

static void memory_that_runs_out(void **state)
{
    float got[N];
    enum fov_code rc = FOV_ENOMEM;
    int n_failed = 0;
    (void)state;
    for (long n = 0; rc; n += 1 + n / 20, n_failed++) {
        struct fov_err err = {0};
        fov_mem_fail_after(n);
        rc = pass(1, got, &err);
        fov_mem_fail_after(-1);
        assert_true(rc == FOV_OK || (rc == FOV_ENOMEM && err.text[0]));
    }
    assert_true(n_failed > 20);
}

static int bench(const char *path, int n_threads)
{
    enum { LARGE = FOV_U2NET_SIDE * FOV_U2NET_SIDE };
    static float rgb[3 * LARGE], front[LARGE];
    struct fov_pool *pool;
    struct fov_u2net *net;
    if (fov_pool_open(n_threads, &pool, NULL) || fov_u2net_open(path, pool, &net, NULL))
        return 1;
    for (int i = 0; i < 6; i++) {
        const double before_s = fov_clock_s();
        if (fov_u2net_run(net, rgb, FOV_U2NET_SIDE, front, NULL))
            return 1;
        printf("%.2f s\n", fov_clock_s() - before_s);
    }
    fov_u2net_close(net);
    fov_pool_close(pool);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 4 && !strcmp(argv[1], "--bench"))
        return bench(argv[2], atoi(argv[3]));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_what_pytorch_makes),
        cmocka_unit_test(a_file_that_is_none_and_a_side_that_is_none),
        cmocka_unit_test(tensors_that_do_not_fit),
        cmocka_unit_test(memory_that_runs_out),
    };
    folder = argc > 1 ? argv[1] : "tests/vectors";
    return cmocka_run_group_tests(tests, load_vectors, NULL);
}
