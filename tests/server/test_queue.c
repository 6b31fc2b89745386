/* SPDX-License-Identifier: Apache-2.0 */
/* test_queue.c -- orders that wait: how many may, whose turn it is, what a sweep takes out, and
 * that a queue which is shut lets its threads go. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "unit/cmocka_all.h"

#include "base/mem.h"
#include "server/queue.h"

enum { MANY = 2000 };

static struct fov_queue *queue;
static struct fov_queued orders[MANY];

static int open_one(void **state)
{
    (void)state;
    memset(orders, 0, sizeof(orders));
    return fov_queue_open(&queue, NULL) != FOV_OK;
}

static int close_it(void **state)
{
    (void)state;
    fov_queue_close(queue);
    return 0;
}

static struct fov_queued *order(int i, int64_t key_id, bool is_patient)
{
    orders[i].key_id = key_id;
    orders[i].is_patient = is_patient;
    return &orders[i];
}

static void put(int i, int64_t key_id, bool is_patient)
{
    assert_true(fov_queue_put(queue, order(i, key_id, is_patient), MANY));
}

/* Take, and say which it was. */
static int take(void)
{
    return (int)(fov_queue_take(queue) - orders);
}

static void must_count(int waiting, int patient, int taken)
{
    struct fov_queue_counts n;
    fov_queue_get_counts(queue, &n);
    assert_int_equal(n.n_waiting, waiting);
    assert_int_equal(n.n_patient, patient);
    assert_int_equal(n.n_taken, taken);
}

static void only_so_many_wait(void **state)
{
    (void)state;
    assert_true(fov_queue_put(queue, order(0, 1, false), 2));
    assert_true(fov_queue_put(queue, order(1, 1, false), 2));
    assert_false(fov_queue_put(queue, order(2, 1, false), 2));
    assert_true(fov_queue_put(queue, order(3, 1, true), 2)); /* a patient one is in the store */
    must_count(2, 1, 0);
    assert_int_equal(take(), 0);
    assert_true(fov_queue_put(queue, order(2, 1, false), 2));
    must_count(2, 1, 1);
    assert_false(fov_queue_put(queue, order(4, 1, false), 0));
}

static void of_one_key_the_oldest_is_next(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++)
        put(i, 5, false);
    for (int i = 0; i < 20; i++)
        assert_int_equal(take(), i);
}

/* With one thread nothing is in work when it takes: only the last turns tell the keys apart. */
static void keys_take_turns_with_one_thread(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++)
        put(i, 1, false);
    put(10, 2, false);
    put(11, 2, false);
    put(12, 3, false);
    static const int wanted[] = {0, 10, 12, 1, 11, 2, 3, 4};
    for (size_t i = 0; i < FOV_N_ELEMENTS(wanted); i++) {
        assert_int_equal(take(), wanted[i]);
        fov_queue_done(queue, &orders[wanted[i]]);
    }
    put(13, 2, false); /* who comes again has had its turn before key 1 had */
    assert_int_equal(take(), 13);
}

static void the_key_with_the_fewest_in_work_is_next(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++)
        put(i, 1, false);
    assert_int_equal(take(), 0);
    assert_int_equal(take(), 1);
    put(10, 2, false);
    put(11, 2, false);
    put(12, 2, false);
    assert_int_equal(take(), 10); /* 2 of key 1 are in work */
    assert_int_equal(take(), 11);
    fov_queue_done(queue, &orders[10]);
    fov_queue_done(queue, &orders[11]);
    assert_int_equal(take(), 12); /* had the last turn, but has none in work */
    must_count(4, 0, 3);
}

static void patient_ones_get_every_fourth_turn(void **state)
{
    int n_patient = 0;
    (void)state;
    for (int i = 0; i < 40; i++)
        put(i, 1, i % 2);
    for (int i = 0; i < 16; i++)
        n_patient += orders[take()].is_patient;
    assert_int_equal(n_patient, 4);
    while (n_patient < 20) /* and all that nobody else wants */
        n_patient += orders[take()].is_patient;
    must_count(0, 0, 40);
}

/* More keys than are remembered: nothing is lost or counted twice. */
static void more_keys_than_room(void **state)
{
    (void)state;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < MANY; i++)
            put(i, i, false);
        int64_t sum = 0;
        for (int i = 0; i < MANY; i++)
            sum += take();
        assert_int_equal(sum, (int64_t)MANY * (MANY - 1) / 2);
        must_count(0, 0, MANY);
        for (int i = 0; i < MANY; i++)
            fov_queue_done(queue, &orders[i]);
        must_count(0, 0, 0);
    }
}

/* A key is not forgotten for others while it has something in work. */
static void who_is_at_work_is_remembered(void **state)
{
    (void)state;
    put(0, 1, false);
    assert_int_equal(take(), 0);
    for (int i = 2; i < MANY - 2; i++) {
        put(i, i, false);
        assert_int_equal(take(), i);
        fov_queue_done(queue, &orders[i]);
    }
    put(1, 1, false);
    put(MANY - 1, MANY, false);
    assert_int_equal(take(), MANY - 1);
}

static bool is_of_key(void *user, struct fov_queued *order)
{
    return order->key_id == *(const int64_t *)user;
}

static int length_of(const struct fov_queued *list)
{
    int n = 0;
    for (; list; list = list->next)
        n++;
    return n;
}

static void a_sweep_takes_out_what_it_is_for(void **state)
{
    int64_t key = 2;
    (void)state;
    for (int i = 0; i < 12; i++)
        put(i, i % 3, i > 8);
    assert_int_equal(length_of(fov_queue_sweep(queue, is_of_key, &key)), 4);
    assert_null(fov_queue_sweep(queue, is_of_key, &key));
    must_count(6, 2, 0);
    for (int i = 0; i < 8; i++)
        assert_int_not_equal(orders[take()].key_id, 2);
    put(20, 7, false); /* the end of the list is still found */
    assert_int_equal(take(), 20);
}

static void a_queue_that_is_shut(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++)
        put(i, 1, i % 2);
    assert_int_equal(length_of(fov_queue_shut(queue, true)), 3);
    assert_false(fov_queue_put(queue, order(9, 1, false), MANY));
    assert_false(fov_queue_put(queue, order(9, 1, true), MANY));
    for (int i = 0; i < 6; i += 2) /* what waits is still taken */
        assert_int_equal(take(), i);
    assert_null(fov_queue_take(queue));
    assert_null(fov_queue_shut(queue, true));
}

/* ---- threads ----------------------------------------------------------------------------- */

static atomic_int n_done[MANY];

static void *work(void *user)
{
    (void)user;
    for (struct fov_queued *q; (q = fov_queue_take(queue));) {
        n_done[q - orders]++;
        fov_queue_done(queue, q);
    }
    return NULL;
}

static bool is_odd(void *user, struct fov_queued *q)
{
    (void)user;
    return (q - orders) % 2;
}

static void each_order_is_taken_once(void **state)
{
    pthread_t threads[4];
    (void)state;
    for (int i = 0; i < MANY; i++)
        n_done[i] = 0;
    for (size_t i = 0; i < FOV_N_ELEMENTS(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, NULL), 0);
    for (int i = 0; i < MANY; i++) {
        put(i, i % 7, i % 5 == 0);
        if (i % 100 == 99)
            for (struct fov_queued *q = fov_queue_sweep(queue, is_odd, NULL), *next; q; q = next) {
                next = q->next;
                n_done[q - orders]++;
            }
    }
    assert_null(fov_queue_shut(queue, false));
    for (size_t i = 0; i < FOV_N_ELEMENTS(threads); i++)
        pthread_join(threads[i], NULL);
    must_count(0, 0, 0);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(n_done[i], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_so_many_wait, open_one, close_it),
        cmocka_unit_test_setup_teardown(of_one_key_the_oldest_is_next, open_one, close_it),
        cmocka_unit_test_setup_teardown(keys_take_turns_with_one_thread, open_one, close_it),
        cmocka_unit_test_setup_teardown(the_key_with_the_fewest_in_work_is_next, open_one,
                                        close_it),
        cmocka_unit_test_setup_teardown(patient_ones_get_every_fourth_turn, open_one, close_it),
        cmocka_unit_test_setup_teardown(more_keys_than_room, open_one, close_it),
        cmocka_unit_test_setup_teardown(who_is_at_work_is_remembered, open_one, close_it),
        cmocka_unit_test_setup_teardown(a_sweep_takes_out_what_it_is_for, open_one, close_it),
        cmocka_unit_test_setup_teardown(a_queue_that_is_shut, open_one, close_it),
        cmocka_unit_test_setup_teardown(each_order_is_taken_once, open_one, close_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
