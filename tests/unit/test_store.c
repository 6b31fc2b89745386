/* SPDX-License-Identifier: Apache-2.0 */
/* test_store.c -- keys and credits: what may be had, what is refused, what a crash leaves. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "unit/cmocka_all.h"

#include "base/mem.h"
#include "store/store.h"

static char folder[] = "/tmp/test_store-XXXXXX";
static char path[64];
static struct fov_store *store;

static int fresh(void **state)
{
    static int n;
    (void)state;
    (void)snprintf(path, sizeof(path), "%s/%d.db", folder, n++);
    return fov_store_open(path, &store, NULL) ? -1 : 0;
}

static int ended(void **state)
{
    (void)state;
    fov_store_close(store);
    return 0;
}

static int64_t key_of(const char *project)
{
    char text[FOV_KEY_CHARS + 1];
    struct fov_key key;
    assert_int_equal(fov_store_key_create(store, "a key", project, text, &key, NULL), FOV_OK);
    return key.id;
}

static void grant(bool trial, int64_t n)
{
    assert_int_equal(fov_store_grant(store, trial, n, NULL), FOV_OK);
}

static void credits_are(int64_t trial, int64_t paid, int64_t held, int64_t captured)
{
    struct fov_credits c;
    struct fov_err err = {0};
    assert_int_equal(fov_store_credits(store, &c, NULL), FOV_OK);
    assert_int_equal(c.trial, trial);
    assert_int_equal(c.paid, paid);
    assert_int_equal(c.held, held);
    assert_int_equal(c.captured, captured);
    if (fov_store_audit(store, &err))
        fail_msg("%s", err.text);
}

/* ---- keys -------------------------------------------------------------------------------- */

static void a_key_is_found_by_its_text_alone(void **state)
{
    char text[FOV_KEY_CHARS + 1], other[FOV_KEY_CHARS + 1];
    struct fov_key made, found;
    struct fov_err err = {0};
    (void)state;
    assert_int_equal(fov_store_key_create(store, "shop", "web", text, &made, NULL), FOV_OK);
    assert_int_equal(strlen(text), FOV_KEY_CHARS);
    assert_memory_equal(text, "fov_", 4);
    assert_int_equal(fov_store_key_find(store, text, &found, NULL), FOV_OK);
    assert_int_equal(found.id, made.id);
    assert_string_equal(found.name, "shop");
    assert_string_equal(found.project, "web");
    assert_memory_equal(found.prefix, text, FOV_PREFIX_CHARS);

    (void)strcpy(other, text); /* the prefix is right, the rest is not */
    other[FOV_KEY_CHARS - 1] = other[FOV_KEY_CHARS - 1] == 'x' ? 'y' : 'x';
    assert_int_equal(fov_store_key_find(store, other, &found, &err), FOV_EPERM);
    assert_string_equal(err.text, "Invalid API key");
    for (size_t n = 0; n < FOV_KEY_CHARS; n++) {
        (void)snprintf(other, sizeof(other), "%.*s", (int)n, text);
        assert_int_equal(fov_store_key_find(store, other, &found, NULL), FOV_EPERM);
    }
}

static void a_key_is_nowhere_in_the_file(void **state)
{
    char text[FOV_KEY_CHARS + 1], name[80];
    struct fov_key key;
    struct stat st;
    (void)state;
    assert_int_equal(fov_store_key_create(store, "shop", "web", text, &key, NULL), FOV_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    for (int wal = 0; wal < 2; wal++) {
        static char all[1 << 20];
        (void)snprintf(name, sizeof(name), "%s%s", path, wal ? "-wal" : "");
        FILE *const f = fopen(name, "rb");
        assert_non_null(f);
        const size_t n = fread(all, 1, sizeof(all), f);
        (void)fclose(f);
        assert_null(memmem(all, n, text + FOV_PREFIX_CHARS, FOV_KEY_CHARS - FOV_PREFIX_CHARS));
    }
}

static void a_revoked_key_is_good_for_nothing(void **state)
{
    char text[FOV_KEY_CHARS + 1], another[FOV_KEY_CHARS + 1], prefix[FOV_PREFIX_CHARS + 1];
    struct fov_key key;
    (void)state;
    assert_int_equal(fov_store_key_create(store, "one", "web", text, &key, NULL), FOV_OK);
    assert_int_equal(fov_store_key_create(store, "two", "web", another, &key, NULL), FOV_OK);
    assert_int_equal(fov_store_key_revoke(store, "fov_", NULL), FOV_EUSAGE); /* both */
    assert_int_equal(fov_store_key_revoke(store, "fov_%", NULL), FOV_ENOINPUT);
    (void)snprintf(prefix, sizeof(prefix), "%.*s", FOV_PREFIX_CHARS, text);
    assert_int_equal(fov_store_key_revoke(store, prefix, NULL), FOV_OK);
    assert_int_equal(fov_store_key_find(store, text, &key, NULL), FOV_EPERM);
    assert_int_equal(fov_store_key_find(store, another, &key, NULL), FOV_OK);
}

static void names_that_are_none(void **state)
{
    char text[FOV_KEY_CHARS + 1], name[FOV_NAME_CHARS + 2];
    struct fov_key key;
    (void)state;
    memset(name, 'n', sizeof(name));
    name[FOV_NAME_CHARS + 1] = '\0';
    assert_int_equal(fov_store_key_create(store, name, "p", text, &key, NULL), FOV_EUSAGE);
    assert_int_equal(fov_store_key_create(store, "", "p", text, &key, NULL), FOV_EUSAGE);
    assert_int_equal(fov_store_key_create(store, "k", "a\nb", text, &key, NULL), FOV_EUSAGE);
    name[FOV_NAME_CHARS] = '\0';
    assert_int_equal(fov_store_key_create(store, name, "'); --", text, &key, NULL), FOV_OK);
    assert_string_equal(key.name, name);
}

/* ---- credits ----------------------------------------------------------------------------- */

static void trial_is_spent_first_and_a_failure_gives_it_back(void **state)
{
    int64_t first, second, third;
    struct fov_err err = {0};
    (void)state;
    const int64_t key = key_of("web");
    assert_int_equal(fov_store_hold(store, key, &first, &err), FOV_ECREDIT);
    assert_string_equal(err.text, "Insufficient credits");
    grant(true, 1);
    grant(false, 1);
    assert_int_equal(fov_store_hold(store, key, &first, NULL), FOV_OK);
    credits_are(0, 1, 1, 0);
    assert_int_equal(fov_store_hold(store, key, &second, NULL), FOV_OK);
    credits_are(0, 0, 2, 0);
    assert_int_equal(fov_store_hold(store, key, &third, NULL), FOV_ECREDIT);
    assert_int_equal(fov_store_release(store, first, NULL), FOV_OK);
    credits_are(1, 0, 1, 0);
    assert_int_equal(fov_store_capture(store, second, NULL), FOV_OK);
    credits_are(1, 0, 0, 1);
}

static void a_hold_ends_once(void **state)
{
    int64_t hold;
    (void)state;
    const int64_t key = key_of("web");
    grant(false, 5);
    assert_int_equal(fov_store_hold(store, key, &hold, NULL), FOV_OK);
    assert_int_equal(fov_store_capture(store, hold, NULL), FOV_OK);
    assert_int_equal(fov_store_capture(store, hold, NULL), FOV_OK);
    assert_int_equal(fov_store_release(store, hold, NULL), FOV_OK);
    credits_are(0, 4, 0, 1);
    assert_int_equal(fov_store_release(store, 12345, NULL), FOV_OK); /* nor does another's */
    credits_are(0, 4, 0, 1);
}

static void a_budget_is_a_project_s(void **state)
{
    int64_t hold, other;
    struct fov_err err = {0};
    (void)state;
    const int64_t one = key_of("web"), two = key_of("web"), free_one = key_of("archive");
    grant(false, 10);
    assert_int_equal(fov_store_budget(store, "web", 2, NULL), FOV_OK);
    assert_int_equal(fov_store_hold(store, one, &hold, NULL), FOV_OK);
    assert_int_equal(fov_store_hold(store, two, &other, NULL), FOV_OK);
    assert_int_equal(fov_store_hold(store, two, &other, &err), FOV_ECREDIT);
    assert_string_equal(err.text, "Budget cap exceeded");
    assert_int_equal(fov_store_hold(store, free_one, &other, NULL), FOV_OK);
    assert_int_equal(fov_store_release(store, hold, NULL), FOV_OK); /* gives room again */
    assert_int_equal(fov_store_hold(store, two, &hold, NULL), FOV_OK);
    assert_int_equal(fov_store_capture(store, hold, NULL), FOV_OK); /* and this does not */
    assert_int_equal(fov_store_hold(store, one, &hold, NULL), FOV_ECREDIT);
    assert_int_equal(fov_store_budget(store, "web", FOV_NO_BUDGET, NULL), FOV_OK);
    assert_int_equal(fov_store_hold(store, one, &hold, NULL), FOV_OK);
    assert_int_equal(fov_store_budget(store, "web", -2, NULL), FOV_EUSAGE);
    credits_are(0, 6, 3, 1);
}

static void numbers_of_credits_that_are_none(void **state)
{
    (void)state;
    assert_int_equal(fov_store_grant(store, false, 0, NULL), FOV_EUSAGE);
    assert_int_equal(fov_store_grant(store, false, -5, NULL), FOV_EUSAGE);
    assert_int_equal(fov_store_grant(store, false, 1000000001, NULL), FOV_EUSAGE);
    credits_are(0, 0, 0, 0);
}

static void the_ledger_only_grows(void **state)
{
    static const char *const tries[] = {"UPDATE ledger SET amount = 1000", "DELETE FROM ledger"};
    sqlite3 *db;
    (void)state;
    grant(false, 3);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    for (size_t i = 0; i < FOV_N_ELEMENTS(tries); i++)
        assert_int_equal(sqlite3_exec(db, tries[i], NULL, NULL, NULL), SQLITE_CONSTRAINT);
    assert_int_equal(
        sqlite3_exec(db, "UPDATE balance SET amount = 99 WHERE pool = 'paid'", NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    struct fov_err err = {0};
    assert_int_equal(fov_store_audit(store, &err), FOV_EINTERNAL); /* and a wrong balance is seen */
    assert_non_null(strstr(err.text, "balances do not agree"));
}

/* ---- many at once, and crashes ----------------------------------------------------------- */

enum { N_THREADS = 6, N_EACH = 40, N_CREDITS = 150 };

struct spender {
    int64_t key;
    int n_held, n_captured, n_refused;
};

static void *spend(void *user)
{
    struct spender *const s = user;
    for (int i = 0; i < N_EACH; i++) {
        int64_t hold;
        const enum fov_code rc = fov_store_hold(store, s->key, &hold, NULL);
        s->n_held += rc == FOV_OK;
        s->n_refused += rc == FOV_ECREDIT;
        if (rc == FOV_OK && i % 4)
            s->n_captured += fov_store_capture(store, hold, NULL) == FOV_OK;
        else if (rc == FOV_OK && fov_store_release(store, hold, NULL))
            s->n_refused = -10000;
    }
    return NULL;
}

static void threads_never_spend_more_than_there_is(void **state)
{
    pthread_t threads[N_THREADS];
    struct spender spenders[N_THREADS] = {{0}};
    int n_captured = 0;
    (void)state;
    grant(true, 10);
    grant(false, N_CREDITS - 10);
    for (int i = 0; i < N_THREADS; i++) {
        spenders[i].key = key_of("web");
        assert_int_equal(pthread_create(&threads[i], NULL, spend, &spenders[i]), 0);
    }
    for (int i = 0; i < N_THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(spenders[i].n_held + spenders[i].n_refused, N_EACH);
        n_captured += spenders[i].n_captured;
    }
    assert_int_equal(n_captured, N_CREDITS); /* 180 were wanted */
    credits_are(0, 0, 0, N_CREDITS);
}

/* In a child of its own, until it is killed; says each capture that was answered. */
static void spend_until_killed(int64_t key, int to)
{
    struct fov_store *own;
    int64_t hold;
    if (fov_store_open(path, &own, NULL))
        _exit(1);
    for (;;)
        if (fov_store_hold(own, key, &hold, NULL) || fov_store_capture(own, hold, NULL) ||
            write(to, "c", 1) != 1)
            _exit(1);
}

static void a_kill_loses_no_answer_and_charges_none_twice(void **state)
{
    enum { N_KILLS = 12 };
    int n_answered = 0;
    (void)state;
    const int64_t key = key_of("web");
    grant(false, 1000000);
    for (int i = 0; i < N_KILLS; i++) {
        int ends[2], n = 0, n_open, status;
        char byte;
        assert_int_equal(pipe(ends), 0);
        const pid_t child = fork();
        if (!child)
            spend_until_killed(key, ends[1]);
        (void)close(ends[1]);
        assert_int_equal(read(ends[0], &byte, 1), 1); /* it is at work */
        (void)usleep((useconds_t)(1000 + 7919 * i % 20000));
        (void)kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        for (n = 1; read(ends[0], &byte, 1) == 1; n++)
            ;
        (void)close(ends[0]);
        n_answered += n;

        struct fov_credits c;
        struct fov_err err = {0};
        if (fov_store_release_old(store, time(NULL) + 1, &n_open, &err) ||
            fov_store_audit(store, &err))
            fail_msg("%s", err.text);
        assert_in_range(n_open, 0, 1);
        assert_int_equal(fov_store_credits(store, &c, NULL), FOV_OK);
        /* the last may be on the disk without its answer */
        assert_in_range(c.captured - n_answered, 0, i + 1);
        assert_int_equal(c.paid + c.captured, 1000000);
    }
    assert_true(n_answered > N_KILLS);
}

/* ---- files that are none, disks that are full --------------------------------------------- */

static void what_is_no_store_is_left_alone(void **state)
{
    struct fov_store *other;
    struct fov_err err = {0};
    char name[80], again[40] = "";
    sqlite3 *db;
    (void)state;
    (void)snprintf(name, sizeof(name), "%s.txt", path);
    FILE *f = fopen(name, "w");
    assert_true(fputs("These are notes and no store of anything.\n", f) >= 0 && !fclose(f));
    assert_int_equal(fov_store_open(name, &other, &err), FOV_ECONFIG);
    assert_non_null(strstr(err.text, "is no store"));
    f = fopen(name, "r");
    assert_non_null(fgets(again, sizeof(again), f));
    assert_memory_equal(again, "These are notes", 15);
    (void)fclose(f);

    (void)snprintf(name, sizeof(name), "%s.other", path);
    assert_int_equal(sqlite3_open(name, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE t(x)", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    err = (struct fov_err){0};
    assert_int_equal(fov_store_open(name, &other, &err), FOV_ECONFIG);
    assert_non_null(strstr(err.text, "none of Fovea's"));

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    err = (struct fov_err){0};
    assert_int_equal(fov_store_open(path, &other, &err), FOV_ECONFIG);
    assert_non_null(strstr(err.text, "version 99"));
    assert_int_equal(fov_store_open("/nowhere/at/all.db", &other, NULL), FOV_EOUTPUT);
}

static void a_full_disk_is_said_and_got_over(void **state)
{
    struct rlimit old, none;
    struct fov_err err = {0};
    int64_t hold = 0;
    (void)state;
    const int64_t key = key_of("web");
    grant(false, 10);
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    none = old;
    none.rlim_cur = 4096;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    const enum fov_code rc = fov_store_hold(store, key, &hold, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(rc, FOV_EOUTPUT);
    assert_int_equal(strncmp(err.text, "the store: ", 11),
                     0); /* its path is no stranger's business */
    credits_are(0, 10, 0, 0);
    assert_int_equal(fov_store_hold(store, key, &hold, NULL), FOV_OK);
    credits_are(0, 9, 1, 0);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    char command[80];
    (void)state;
    (void)snprintf(command, sizeof(command), "rm -r %s", folder);
    return system(command);
}

#define each(test) cmocka_unit_test_setup_teardown(test, fresh, ended)

int main(void)
{
    const struct CMUnitTest tests[] = {
        each(a_key_is_found_by_its_text_alone),
        each(a_key_is_nowhere_in_the_file),
        each(a_revoked_key_is_good_for_nothing),
        each(names_that_are_none),
        each(trial_is_spent_first_and_a_failure_gives_it_back),
        each(a_hold_ends_once),
        each(a_budget_is_a_project_s),
        each(numbers_of_credits_that_are_none),
        each(the_ledger_only_grows),
        each(threads_never_spend_more_than_there_is),
        each(a_kill_loses_no_answer_and_charges_none_twice),
        each(what_is_no_store_is_left_alone),
        each(a_full_disk_is_said_and_got_over),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
