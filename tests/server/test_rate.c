/* SPDX-License-Identifier: Apache-2.0 */
/* test_rate.c -- requests of the last minute: the window slides, limits change, the ring wraps, and
 * what a client is told lets it come back at the right time. */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "unit/cmocka_all.h"

#include "base/mem.h"
#include "server/rate.h"

enum { ROOM = 10 };

static struct fov_rate rate;
static struct fov_rate_state said;

static int fresh(void **state)
{
    (void)state;
    return fov_rate_init(&rate, ROOM, NULL) != FOV_OK;
}

static int done(void **state)
{
    (void)state;
    fov_rate_done(&rate);
    return 0;
}

static bool ask(int limit, double now_s)
{
    return fov_rate_ask(&rate, limit, now_s, true, &said);
}

static void the_window_slides(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_true(ask(3, 1000 + 10 * i));
        assert_int_equal(said.remaining, 2 - i);
    }
    assert_false(ask(3, 1030));
    assert_int_equal(said.retry_after_s, 30); /* until the first has left */
    assert_false(ask(3, 1059.5));
    assert_int_equal(said.retry_after_s, 1);
    assert_true(ask(3, 1060));
    assert_false(ask(3, 1060));
    assert_int_equal(said.retry_after_s, 10); /* the one of 1010, not all of them */
    assert_true(ask(3, 1070.5));
    assert_true(ask(3, 1090));
    assert_int_equal(said.remaining, 0);
}

static void who_waits_as_long_as_told_is_let_in(void **state)
{
    double now = 5;
    (void)state;
    for (int i = 0; i < 500; i++) {
        now += 0.37 * (i % 11);
        if (ask(1 + i % ROOM, now))
            continue;
        assert_in_range(said.retry_after_s, 1, FOV_RATE_WINDOW_S);
        assert_int_equal(said.remaining, 0);
        now += said.retry_after_s;
        assert_true(ask(1 + i % ROOM, now));
    }
}

static void limits_change(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++)
        assert_true(ask(6, 100 + i));
    assert_false(ask(4, 106)); /* less than there were */
    assert_int_equal(said.limit, 4);
    assert_int_equal(said.remaining, 0);
    assert_int_equal(said.retry_after_s, 56); /* three must leave: those of 100, 101 and 102 */
    assert_false(ask(4, 161.5));
    assert_true(ask(4, 162));
    assert_true(ask(8, 162)); /* and more */
    assert_int_equal(said.remaining, 3);
    assert_true(ask(0, 162)); /* none: not counted */
    assert_int_equal(said.limit, 0);
    assert_true(ask(8, 162));
    assert_int_equal(said.remaining, 2);
}

/* More than there is room for is as much as there is room for. */
static void the_ring_wraps(void **state)
{
    (void)state;
    for (int round = 0; round < 7; round++) {
        const double now = 1000 + 61 * round;
        for (int i = 0; i < ROOM; i++)
            assert_true(ask(1 << 20, now + 0.1 * i));
        assert_false(ask(1 << 20, now + 1));
        assert_false(ask(ROOM, now + 59.9));
        assert_true(ask(ROOM, now + 60.25)); /* three have left */
        assert_int_equal(said.remaining, 2);
        assert_true(ask(ROOM, now + 60.25) && ask(ROOM, now + 60.25));
        assert_false(ask(ROOM, now + 60.25));
        assert_true(rate.n == ROOM && rate.first < ROOM);
        (void)fov_rate_ask(&rate, ROOM, now + 200, false, &said);
        assert_int_equal(rate.n, 0);
    }
}

static void who_only_asks_takes_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        assert_true(fov_rate_ask(&rate, 2, 100, false, &said));
    assert_int_equal(said.remaining, 2);
    assert_true(ask(2, 100) && ask(2, 100));
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    for (int i = 0; i < 5; i++) /* and one that was refused is not counted either */
        assert_false(ask(2, 130));
    assert_true((double)said.reset >= (double)t.tv_sec + 1e-9 * (double)t.tv_nsec + 30);
    assert_true(ask(2, 160));
    assert_true(said.reset >= time(NULL) - 1 && said.reset <= time(NULL) + FOV_RATE_WINDOW_S + 1);
}

/* ---- threads ----------------------------------------------------------------------------- */

static atomic_int n_free;

static void *ask_often(void *user)
{
    struct fov_rate_state own;
    (void)user;
    for (int i = 0; i < 1000; i++)
        n_free += fov_rate_ask(&rate, ROOM, 100, true, &own);
    return NULL;
}

static void threads_share_the_limit(void **state)
{
    pthread_t threads[4];
    (void)state;
    n_free = 0;
    for (size_t i = 0; i < FOV_N_ELEMENTS(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, NULL), 0);
    for (size_t i = 0; i < FOV_N_ELEMENTS(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(n_free, ROOM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_window_slides, fresh, done),
        cmocka_unit_test_setup_teardown(who_waits_as_long_as_told_is_let_in, fresh, done),
        cmocka_unit_test_setup_teardown(limits_change, fresh, done),
        cmocka_unit_test_setup_teardown(the_ring_wraps, fresh, done),
        cmocka_unit_test_setup_teardown(who_only_asks_takes_nothing, fresh, done),
        cmocka_unit_test_setup_teardown(threads_share_the_limit, fresh, done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
