/* SPDX-License-Identifier: Apache-2.0 */
/* test_store_crash.c -- jobs when much goes on at once, or something dies: several servers, kill
 * -9, stores of before, disks that are full; and what a store that has grown old costs. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "unit/jobs.h"

/* ---- many at once, and crashes ----------------------------------------------------------- */

enum { N_JOBS = 300, N_WORKERS = 4 };

static atomic_int n_done[N_JOBS]; /* how often each job was ended by whoever had claimed it */
static atomic_int n_failed;

/* Half of the workers have the one connection, half the other. */
static void *work(void *user)
{
    struct fov_store *const s = user;
    for (unsigned turn = 0;; turn++) {
        FOV_AUTO(fov_free_at) char *request = NULL;
        FOV_AUTO(fov_free_at) unsigned char *input = NULL;
        struct fov_job job;
        size_t n = 0;
        bool found = false;
        if (fov_store_job_claim(s, LEASE_S, &job, &request, &input, &n, &found, NULL))
            n_failed++;
        if (!found)
            return NULL;
        if (turn % 7 == 3) {
            n_failed += fov_store_job_put_back(s, job.id, job.n_attempts, NULL) != FOV_OK;
            continue;
        }
        const int number = atoi(request);
        n_failed += n != sizeof(number) || memcmp(input, &number, n) != 0;
        n_failed += fov_store_job_finish(s, job.id, job.n_attempts, turn % 2 ? &good : &bad,
                                         NULL) != FOV_OK;
        n_done[number]++;
    }
}

static void two_servers_do_each_job_once(void **state)
{
    pthread_t threads[N_WORKERS];
    struct fov_store *other;
    (void)state;
    assert_int_equal(fov_store_open(path, &other, NULL), FOV_OK);
    for (int i = 0; i < N_JOBS; i++) {
        struct fov_job_new new = new_job(i % 2 ? web : archive);
        char number[12];
        (void)snprintf(number, sizeof(number), "%d", i);
        new.request = number;
        new.input = (const unsigned char *)&i;
        new.input_bytes = sizeof(i);
        new.webhook_url = i % 3 ? NULL : "https://example.org/";
        (void)add(&new);
    }
    for (int i = 0; i < N_WORKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, i % 2 ? store : other), 0);
    for (int i = 0; i < N_WORKERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    fov_store_close(other);
    assert_int_equal(n_failed, 0);
    for (int i = 0; i < N_JOBS; i++)
        assert_int_equal(n_done[i], 1);
    assert_int_equal(sql("SELECT count(*) FROM webhook"), N_JOBS / 3);
    assert_int_equal(sql("SELECT count(*) FROM blob WHERE kind = 'input'"), 0);
    credits_are(0, sql("SELECT count(*) FROM job WHERE state = 'done'"));
}

/* In a child of its own, until it is killed; says each job that was accepted. A lease of no time
 * lets the next one take what this one leaves. */
static void work_until_killed(int to)
{
    for (unsigned turn = 0;; turn++) {
        struct fov_job_new new = new_job(web);
        struct fov_job job;
        char *request;
        unsigned char *input;
        size_t n;
        bool flag;
        new.webhook_url = "https://example.org/";
        if ((!turn && fov_store_open(path, &store, NULL)) ||
            fov_store_job_add(store, &new, &job, &flag, NULL) ||
            write(to, job.id, FOV_JOB_ID_CHARS) != FOV_JOB_ID_CHARS ||
            fov_store_job_claim(store, 0, &job, &request, &input, &n, &flag, NULL) || !flag ||
            fov_store_job_finish(store, job.id, job.n_attempts, turn % 3 ? &good : &bad, NULL))
            _exit(1);
        fov_free(request);
        fov_free(input);
    }
}

static void a_kill_loses_no_job_and_charges_none_twice(void **state)
{
    enum { N_KILLS = 12 };
    static char accepted[10000][FOV_JOB_ID_CHARS + 1];
    struct fov_job job;
    int n_accepted = 0;
    (void)state;
    for (int i = 0; i < N_KILLS; i++) {
        int ends[2], status;
        assert_int_equal(pipe(ends), 0);
        const pid_t child = fork();
        if (!child)
            work_until_killed(ends[1]);
        (void)close(ends[1]);
        assert_int_equal(read(ends[0], accepted[n_accepted++], FOV_JOB_ID_CHARS), FOV_JOB_ID_CHARS);
        (void)usleep((useconds_t)(1000 + 7919 * i % 40000));
        (void)kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        while (n_accepted < 10000 && read(ends[0], accepted[n_accepted], FOV_JOB_ID_CHARS) > 0)
            n_accepted++;
        (void)close(ends[0]);
        audit();
        assert_in_range(sql("SELECT count(*) FROM open_hold"), 0, i + 2);
    }
    assert_true(n_accepted > N_KILLS);
    while (claim(LEASE_S, &job))
        finish(&job, &good);
    /* the last of each child may be on the disk without its answer */
    assert_in_range(sql("SELECT count(*) FROM job") - n_accepted, 0, N_KILLS);
    for (int i = 0; i < n_accepted; i++)
        assert_in_range(get(accepted[i]).state, FOV_JOB_DONE, FOV_JOB_FAILED);
    assert_int_equal(sql("SELECT count(*) FROM webhook"), sql("SELECT count(*) FROM job"));
    credits_are(0, sql("SELECT count(*) FROM job WHERE state = 'done'"));
}

/* ---- stores of before, disks that are full ------------------------------------------------ */

/* As version 1 made it, with a key and two credits, of which one is held. */
static const char version_1[] =
    "CREATE TABLE project(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    "  budget INTEGER NOT NULL DEFAULT -1, n_used INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE key(id INTEGER PRIMARY KEY, prefix TEXT NOT NULL UNIQUE, hash BLOB NOT NULL,"
    "  name TEXT NOT NULL, project INTEGER NOT NULL REFERENCES project, created_s INTEGER NOT NULL,"
    "  revoked_s INTEGER NOT NULL DEFAULT 0, n_used INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE ledger(id INTEGER PRIMARY KEY, at_s INTEGER NOT NULL,"
    "  kind TEXT NOT NULL CHECK(kind IN ('grant', 'hold', 'capture', 'release')),"
    "  pool TEXT NOT NULL CHECK(pool IN ('trial', 'paid')),"
    "  amount INTEGER NOT NULL, hold INTEGER REFERENCES ledger, key INTEGER REFERENCES key);"
    "CREATE UNIQUE INDEX hold_ends_once ON ledger(hold) WHERE hold IS NOT NULL;"
    "CREATE TRIGGER ledger_keeps BEFORE UPDATE ON ledger"
    "  BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END;"
    "CREATE TRIGGER ledger_grows BEFORE DELETE ON ledger"
    "  BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END;"
    "CREATE TABLE balance(pool TEXT PRIMARY KEY, amount INTEGER NOT NULL CHECK(amount >= 0));"
    "CREATE TABLE open_hold(id INTEGER PRIMARY KEY REFERENCES ledger);"
    "CREATE TABLE captured(n INTEGER NOT NULL);"
    "INSERT INTO balance VALUES('trial', 0), ('paid', 0);"
    "INSERT INTO captured VALUES(0);"
    "PRAGMA application_id = 0x466F7665;"
    "PRAGMA user_version = 1;"
    "INSERT INTO project(name, n_used) VALUES('web', 1);"
    "INSERT INTO key(prefix, hash, name, project, created_s, n_used)"
    "  VALUES('fov_oldoldol', zeroblob(32), 'old', 1, 1700000000, 1);"
    "INSERT INTO ledger(at_s, kind, pool, amount) VALUES(1700000000, 'grant', 'paid', 2);"
    "INSERT INTO ledger(at_s, kind, pool, amount, key) VALUES(1700000001, 'hold', 'paid', -1, 1);"
    "INSERT INTO open_hold VALUES(2);"
    "UPDATE balance SET amount = 1 WHERE pool = 'paid';";

static void make_old(const char *name, const char *more)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(name, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, version_1, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, more, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void a_store_of_version_1_is_brought_to_2(void **state)
{
    char name[80], secret[FOV_SECRET_ROOM], again[FOV_SECRET_ROOM];
    struct fov_credits c;
    struct fov_job job;
    int n = 0;
    (void)state;
    (void)snprintf(name, sizeof(name), "%s.old", path);
    make_old(name, "");
    fov_store_close(store);
    assert_int_equal(fov_store_open(name, &store, NULL), FOV_OK);
    audit();
    assert_int_equal(fov_store_credits(store, &c, NULL), FOV_OK);
    assert_true(c.paid == 1 && c.held == 1);
    assert_int_equal(fov_store_secret(store, secret, NULL), FOV_OK);
    assert_int_equal(fov_store_release_old(store, 1800000000, &n, NULL), FOV_OK);
    assert_int_equal(n, 1);
    job = add_for(1, true);
    assert_true(claim(LEASE_S, &job));
    finish(&job, &good);
    audit();
    fov_store_close(FOV_STEAL(store));
    assert_int_equal(fov_store_open(name, &store, NULL), FOV_OK); /* and that once */
    assert_int_equal(get(job.id).state, FOV_JOB_DONE);
    assert_int_equal(fov_store_secret(store, again, NULL), FOV_OK);
    assert_string_equal(secret, again);
}

static void a_migration_that_fails_leaves_version_1(void **state)
{
    char name[80];
    sqlite3 *db;
    struct fov_store *none;
    (void)state;
    (void)snprintf(name, sizeof(name), "%s.old", path);
    make_old(name, "CREATE TABLE setting(x)"); /* the last that version 2 makes */
    assert_int_equal(fov_store_open(name, &none, NULL), FOV_EINTERNAL);
    assert_int_equal(sqlite3_open(name, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "SELECT * FROM job", NULL, NULL, NULL), SQLITE_ERROR);
    assert_int_equal(sqlite3_exec(db, "DROP TABLE setting", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(fov_store_open(name, &none, NULL), FOV_OK);
    fov_store_close(none);
}

static void each_store_has_a_secret(void **state)
{
    char secret[FOV_SECRET_ROOM], others[FOV_SECRET_ROOM], name[80];
    struct fov_store *other;
    (void)state;
    assert_int_equal(fov_store_secret(store, secret, NULL), FOV_OK);
    assert_int_equal(strlen(secret), 6 + 44);
    assert_memory_equal(secret, "whsec_", 6);
    assert_int_equal(strspn(secret + 6, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                        "0123456789+/"),
                     43);
    (void)snprintf(name, sizeof(name), "%s.other", path);
    assert_int_equal(fov_store_open(name, &other, NULL), FOV_OK);
    assert_int_equal(fov_store_secret(other, others, NULL), FOV_OK);
    fov_store_close(other);
    assert_string_not_equal(secret, others);
}

/* A disk that takes no more while a job is added, claimed, and done; each is whole or has not
 * been. `bad_disk` begins and ends it. */
static void nothing_is_half_done(void (*bad_disk)(bool), const char *why)
{
    struct fov_job_new new = new_job(web);
    struct fov_job job = add(&new), claimed;
    char *request;
    unsigned char *input;
    size_t n;
    bool flag;
    struct fov_err err = {0};
    bad_disk(true);
    const enum fov_code added = fov_store_job_add(store, &new, &claimed, &flag, &err);
    const enum fov_code taken =
        fov_store_job_claim(store, LEASE_S, &claimed, &request, &input, &n, &flag, NULL);
    bad_disk(false);
    assert_int_equal(added, FOV_EOUTPUT);
    assert_int_equal(strncmp(err.text, "the store: ", 11), 0);
    assert_non_null(strstr(err.text, why));
    assert_int_equal(taken, FOV_EOUTPUT);
    assert_int_equal(sql("SELECT count(*) FROM job WHERE state = 'queued'"), 1);
    credits_are(1, 0);
    assert_true(claim(LEASE_S, &job));
    assert_int_equal(job.n_attempts, 1);
    bad_disk(true);
    const enum fov_code ended = fov_store_job_finish(store, job.id, 1, &good, NULL);
    bad_disk(false);
    assert_int_equal(ended, FOV_EOUTPUT);
    assert_int_equal(get(job.id).state, FOV_JOB_RUNNING);
    assert_int_equal(sql("SELECT count(*) FROM blob WHERE kind = 'result'"), 0);
    credits_are(1, 0);
    finish(&job, &good);
    credits_are(0, 1);
}

static void full(bool begins)
{
    static struct rlimit old;
    struct rlimit none;
    (void)signal(SIGXFSZ, SIG_IGN);
    if (begins)
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    none = old;
    none.rlim_cur = begins ? 4096 : old.rlim_cur;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
}

static void read_only(bool begins)
{
    (void)sql(begins ? "PRAGMA query_only = 1" : "PRAGMA query_only = 0");
}

static void locked(bool begins)
{
    static sqlite3 *db;
    if (begins)
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    (void)sqlite3_busy_timeout(store->db, 50); /* what a server waits is BUSY_MS */
    assert_int_equal(sqlite3_exec(db, begins ? "BEGIN IMMEDIATE" : "ROLLBACK", NULL, NULL, NULL),
                     SQLITE_OK);
    if (!begins)
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void a_full_disk_leaves_nothing_half_done(void **state)
{
    (void)state;
    nothing_is_half_done(full, "");
}

static void a_read_only_disk_leaves_nothing_half_done(void **state)
{
    (void)state;
    nothing_is_half_done(read_only, "readonly");
}

static void a_locked_store_leaves_nothing_half_done(void **state)
{
    (void)state;
    nothing_is_half_done(locked, "locked");
}

static void a_locked_store_is_waited_for_three_seconds(void **state)
{
    sqlite3 *db;
    struct timespec a, b;
    (void)state;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    (void)clock_gettime(CLOCK_MONOTONIC, &a);
    assert_int_equal(fov_store_grant(store, false, 1, NULL), FOV_EOUTPUT);
    (void)clock_gettime(CLOCK_MONOTONIC, &b);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_in_range(b.tv_sec - a.tv_sec, 2, 6);
}

static void a_change_that_fails_midway_is_undone(void **state)
{
    static const char stop[] = "CREATE TRIGGER stop BEFORE INSERT ON %s BEGIN"
                               " SELECT RAISE(ABORT, 'stopped'); END";
    struct fov_job_new new = new_job(web);
    struct fov_job job;
    bool repeated;
    char text[120];
    (void)state;
    new.webhook_url = "https://example.org/";
    (void)snprintf(text, sizeof(text), stop, "blob"); /* the last that an addition writes */
    (void)sql(text);
    assert_int_equal(fov_store_job_add(store, &new, &job, &repeated, NULL), FOV_EINTERNAL);
    (void)sql("DROP TRIGGER stop");
    assert_int_equal(sql("SELECT count(*) FROM job"), 0);
    credits_are(0, 0);
    (void)add(&new);
    assert_true(claim(LEASE_S, &job));
    (void)snprintf(text, sizeof(text), stop, "webhook"); /* and the last that an end does */
    (void)sql(text);
    assert_int_equal(fov_store_job_finish(store, job.id, 1, &good, NULL), FOV_EINTERNAL);
    (void)sql("DROP TRIGGER stop");
    assert_int_equal(get(job.id).state, FOV_JOB_RUNNING);
    assert_int_equal(sql("SELECT kind = 'input' FROM blob"), 1);
    credits_are(1, 0);
    finish(&job, &good);
    credits_are(0, 1);
}

/* ---- what it costs ----------------------------------------------------------------------- */

static int most_steps;

/* The steps of SQLite's machine: those of a scan grow with what it passes. */
static int count_steps(unsigned kind, void *user, void *statement, void *ns)
{
    const int n = sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, 1);
    (void)kind;
    (void)user;
    (void)ns;
    most_steps = n > most_steps ? n : most_steps;
    return 0;
}

static void ten_thousand_ended_jobs_slow_nobody(void **state)
{
    struct fov_job_new new = new_job(web);
    struct fov_webhook w;
    struct fov_job job;
    int64_t queued, running, hold;
    int n;
    bool ours;
    (void)state;
    (void)sql("INSERT INTO ledger(at_s, kind, pool, amount) WITH RECURSIVE n(i) AS"
              " (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)"
              " SELECT 1, 'hold', 'paid', 0 FROM n");
    (void)sql("INSERT INTO job(name, key, project, hold, state, request, idempotency_key, digest,"
              " created_s, finished_s) SELECT 'job_' || id, 1, 1, id, 'done', '{}', id, x'00',"
              " 1700000000, 1700000000 FROM ledger WHERE kind = 'hold'");
    (void)sql("INSERT INTO webhook(name, job, url, state, at_s)"
              " SELECT 'msg_' || id, id, 'https://example.org/', 'delivered', 1 FROM job");
    assert_int_equal(sqlite3_trace_v2(store->db, SQLITE_TRACE_PROFILE, count_steps, NULL),
                     SQLITE_OK);
    new.webhook_url = "https://example.org/";
    new.idempotency_key = "order 17";
    job = add(&new);
    assert_true(claim(LEASE_S, &job));
    assert_int_equal(fov_store_job_renew(store, job.id, 1, LEASE_S, &ours, NULL), FOV_OK);
    finish(&job, &good);
    assert_true(next_webhook(time(NULL), &w));
    webhook_done(&w, "example.org: is gone", 0);
    assert_int_equal(see_each(FOV_ANY_PROJECT, FOV_WEBHOOK_DEAD).n, 1);
    assert_int_equal(fov_store_webhook_retry(store, web, w.id, NULL), FOV_OK);
    (void)next_due();
    assert_int_equal(fov_store_job_counts(store, &queued, &running, NULL), FOV_OK);
    assert_int_equal(fov_store_hold(store, web, &hold, NULL), FOV_OK);
    assert_int_equal(fov_store_release_old(store, 1, &n, NULL), FOV_OK);
    assert_int_equal(fov_store_clean(store, 1600000000, NULL), FOV_OK);
    (void)sqlite3_trace_v2(store->db, 0, NULL, NULL);
    assert_in_range(most_steps, 10, 400);
}

#define each(test) cmocka_unit_test_setup_teardown(test, jobs_fresh, jobs_ended)

int main(void)
{
    const struct CMUnitTest tests[] = {
        each(two_servers_do_each_job_once),
        each(a_kill_loses_no_job_and_charges_none_twice),
        each(a_store_of_version_1_is_brought_to_2),
        each(a_migration_that_fails_leaves_version_1),
        each(each_store_has_a_secret),
        each(a_full_disk_leaves_nothing_half_done),
        each(a_read_only_disk_leaves_nothing_half_done),
        each(a_locked_store_leaves_nothing_half_done),
        each(a_locked_store_is_waited_for_three_seconds),
        each(a_change_that_fails_midway_is_undone),
        each(ten_thousand_ended_jobs_slow_nobody),
    };
    return cmocka_run_group_tests(tests, jobs_make_folder, jobs_remove_folder);
}
