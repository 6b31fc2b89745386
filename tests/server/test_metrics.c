/* SPDX-License-Identifier: Apache-2.0 */
/* test_metrics.c -- what is counted is what Prometheus reads. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit/cmocka_all.h"

#include "base/mem.h"
#include "server/metrics.h"

static struct fov_metrics metrics;

/* The number behind the first line that begins so; the test ends where there is none. */
static double value_of(const char *text, const char *begins)
{
    const char *const at = strstr(text, begins);
    if (!at)
        fail_msg("there is no %s", begins);
    return strtod(at + strlen(begins), NULL);
}

/* Buckets hold all that took no longer than they say. */
static void times_are_counted_up(void **state)
{
    static const double took_s[] = {0.002, 0.5, 5000, 0.5};
    const struct fov_gauges none = {0};
    double before = 0, sum = 0;
    int n_buckets = 0;
    (void)state;
    for (size_t i = 0; i < FOV_N_ELEMENTS(took_s); i++) {
        fov_metrics_stage(&metrics, FOV_STAGE_WORK, took_s[i]);
        sum += took_s[i];
    }
    FOV_AUTO(fov_free_at) char *text = fov_metrics_text(&metrics, &none);
    assert_non_null(text);
    static const char bucket[] = "fovea_stage_seconds_bucket{stage=\"work\",le=\"";
    for (const char *at = text; (at = strstr(at, bucket)); n_buckets++) {
        char *end;
        at += sizeof(bucket) - 1;
        const double most = !strncmp(at, "+Inf", 4) ? 1e9 : strtod(at, NULL);
        const double n = strtod(strstr(at, "\"} ") + 3, &end);
        int wanted = 0;
        for (size_t i = 0; i < FOV_N_ELEMENTS(took_s); i++)
            wanted += took_s[i] <= most;
        if (n < before || (int)n != wanted)
            fail_msg("up to %g s: %g, not %d", most, n, wanted);
        before = n;
    }
    assert_int_equal(n_buckets, FOV_N_BUCKETS + 1);
    assert_true((int)value_of(text, "fovea_stage_seconds_count{stage=\"work\"} ") == 4);
    const double said = value_of(text, "fovea_stage_seconds_sum{stage=\"work\"} ");
    assert_true(said > sum - 1e-3 && said < sum + 1e-3);
    assert_true((int)value_of(text, "fovea_stage_seconds_count{stage=\"fetch\"} ") == 0);
}

static void answers_are_counted_by_status(void **state)
{
    const struct fov_gauges some = {.n_connections = 7, .jobs_queued = 3};
    (void)state;
    fov_metrics_answer(&metrics, 200);
    fov_metrics_answer(&metrics, 200);
    fov_metrics_answer(&metrics, 422);
    fov_metrics_answer(&metrics, -1);
    fov_metrics_answer(&metrics, FOV_MAX_STATUS);
    FOV_AUTO(fov_free_at) char *text = fov_metrics_text(&metrics, &some);
    assert_non_null(text);
    assert_true((int)value_of(text, "{status=\"200\"} ") == 2);
    assert_true((int)value_of(text, "{status=\"422\"} ") == 1);
    assert_null(strstr(text, "{status=\"404\"}"));
    assert_true((int)value_of(text, "\nfovea_connections ") == 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_counted_up),
        cmocka_unit_test(answers_are_counted_by_status),
    };
    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
