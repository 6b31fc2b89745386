/* SPDX-License-Identifier: Apache-2.0 */
/* test_store_jobs.c -- jobs and webhooks: every rule of store/jobs.h, and that each ends once. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "unit/jobs.h"

/* ---- a job's way ------------------------------------------------------------------------- */

static void a_job_is_added_claimed_and_done(void **state)
{
    struct fov_job claimed;
    FOV_AUTO(fov_free_at) char *request = NULL;
    FOV_AUTO(fov_free_at) unsigned char *input = NULL, *bytes = NULL;
    size_t n = 0;
    int64_t queued, running;
    bool found = false, ours = false;
    (void)state;
    const struct fov_job job = add_for(web, false);
    assert_int_equal(strlen(job.id), FOV_JOB_ID_CHARS);
    assert_memory_equal(job.id, "job_", 4);
    assert_int_equal(job.state, FOV_JOB_QUEUED);
    assert_int_equal(job.key_id, web);
    assert_in_range(job.created_s, time(NULL) - 60, time(NULL));
    credits_are(1, 0);
    assert_int_equal(fov_store_job_result(store, job.id, &bytes, &n, NULL), FOV_ENOINPUT);

    assert_int_equal(
        fov_store_job_claim(store, LEASE_S, &claimed, &request, &input, &n, &found, NULL), FOV_OK);
    assert_true(found);
    assert_string_equal(claimed.id, job.id);
    assert_int_equal(claimed.state, FOV_JOB_RUNNING);
    assert_int_equal(claimed.n_attempts, 1);
    assert_string_equal(request, "{\"operations\":[]}");
    assert_int_equal(n, 6);
    assert_memory_equal(input, "in\0put", 6);
    assert_int_equal(fov_store_job_counts(store, &queued, &running, NULL), FOV_OK);
    assert_int_equal(queued, 0);
    assert_int_equal(running, 1);
    assert_int_equal(fov_store_job_renew(store, job.id, 1, LEASE_S, &ours, NULL), FOV_OK);
    assert_true(ours);
    credits_are(1, 0);

    finish(&claimed, &good);
    const struct fov_job done = get(job.id);
    assert_int_equal(done.state, FOV_JOB_DONE);
    assert_string_equal(fov_job_state_name(done.state), "done");
    assert_string_equal(done.mime_type, "image/png");
    assert_int_equal(done.width_px, 640);
    assert_int_equal(done.height_px, 480);
    assert_true(done.result_bytes && done.finished_s >= done.created_s);
    assert_int_equal(fov_store_job_result(store, job.id, &bytes, &n, NULL), FOV_OK);
    assert_int_equal(n, 9);
    assert_memory_equal(bytes, "a\0picture", 9);
    assert_int_equal(sql("SELECT count(*) FROM blob WHERE kind = 'input'"), 0);
    assert_int_equal(sql("SELECT count(*) FROM job WHERE request != ''"), 0);
    assert_int_equal(sql("SELECT count(*) FROM webhook"), 0);
    credits_are(0, 1);
}

static void a_job_without_a_file_has_none(void **state)
{
    struct fov_job_new new = new_job(web);
    struct fov_job job;
    FOV_AUTO(fov_free_at) char *request = NULL;
    unsigned char *input = (unsigned char *)&new;
    size_t n = 1;
    bool found = true;
    (void)state;
    assert_int_equal(fov_store_job_claim(store, LEASE_S, &job, &request, &input, &n, &found, NULL),
                     FOV_OK);
    assert_false(found); /* nothing is there yet */
    new.input = NULL;
    new.input_bytes = 0;
    (void)add(&new);
    assert_int_equal(fov_store_job_claim(store, LEASE_S, &job, &request, &input, &n, &found, NULL),
                     FOV_OK);
    assert_true(found && !input && !n);
}

static void a_failure_costs_nothing(void **state)
{
    struct fov_webhook webhook;
    (void)state;
    const struct fov_job job = add_ended(&bad, true);
    assert_int_equal(job.state, FOV_JOB_FAILED);
    assert_int_equal(job.status, 422);
    assert_string_equal(job.error, "photo.jpg: is damaged");
    assert_true(!job.result_bytes);
    assert_true(next_webhook(time(NULL), &webhook));
    assert_string_equal(webhook.job_id, job.id);
    assert_int_equal(sql("SELECT count(*) FROM blob"), 0);
    credits_are(0, 0);
}

static void what_is_refused_leaves_nothing(void **state)
{
    struct fov_job_new new = new_job(web);
    struct fov_job job;
    struct fov_err err = {0};
    bool repeated;
    static char long_url[FOV_WEBHOOK_URL_BYTES + 2];
    (void)state;
    new.max_queued = 1;
    (void)add(&new);
    assert_int_equal(fov_store_job_add(store, &new, &job, &repeated, &err), FOV_ENOMEM);
    assert_string_equal(err.text, "the queue is full");
    assert_true(claim(LEASE_S, &job)); /* running ones count too */
    assert_int_equal(fov_store_job_add(store, &new, &job, &repeated, NULL), FOV_ENOMEM);
    new.max_queued = 2;
    assert_int_equal(fov_store_budget(store, "web", 1, NULL), FOV_OK);
    err = (struct fov_err){0};
    assert_int_equal(fov_store_job_add(store, &new, &job, &repeated, &err), FOV_ECREDIT);
    assert_string_equal(err.text, "Budget cap exceeded");
    new.key_id = 12345;
    assert_int_equal(fov_store_job_add(store, &new, &job, &repeated, NULL), FOV_EINTERNAL);
    new.key_id = archive;
    new.webhook_url = memset(long_url, 'u', sizeof(long_url) - 1);
    assert_int_equal(fov_store_job_add(store, &new, &job, &repeated, NULL), FOV_EUSAGE);
    assert_int_equal(sql("SELECT count(*) FROM job"), 1);
    credits_are(1, 0);
}

static void a_request_that_is_sent_again_is_one_job(void **state)
{
    struct fov_job_new new = new_job(web);
    struct fov_job again;
    struct fov_err err = {0};
    bool repeated = false;
    char long_key[FOV_IDEMPOTENCY_KEY_BYTES + 2];
    (void)state;
    new.idempotency_key = "order 17";
    new.digest[31] = 7;
    new.max_queued = 1; /* nor does a full queue refuse it */
    const struct fov_job job = add(&new);
    new.key_id = web_too; /* of the same project */
    assert_int_equal(fov_store_job_add(store, &new, &again, &repeated, NULL), FOV_OK);
    assert_true(repeated);
    assert_string_equal(again.id, job.id);
    credits_are(1, 0);
    new.digest[31] = 8;
    assert_int_equal(fov_store_job_add(store, &new, &again, &repeated, &err), FOV_EUSAGE);
    assert_string_equal(err.text, "Idempotency-Key was used for another request");
    new.max_queued = 10;
    new.key_id = archive; /* of another */
    assert_string_not_equal(add(&new).id, job.id);
    credits_are(2, 0);

    memset(long_key, 'k', sizeof(long_key));
    long_key[FOV_IDEMPOTENCY_KEY_BYTES + 1] = '\0';
    new.idempotency_key = long_key;
    assert_int_equal(fov_store_job_add(store, &new, &again, &repeated, NULL), FOV_EUSAGE);
    new.idempotency_key = "";
    assert_int_equal(fov_store_job_add(store, &new, &again, &repeated, NULL), FOV_EUSAGE);
    long_key[FOV_IDEMPOTENCY_KEY_BYTES] = '\0';
    new.idempotency_key = long_key;
    (void)add(&new);
    credits_are(3, 0);
}

/* ---- leases ------------------------------------------------------------------------------ */

static void a_worker_that_was_slow_ends_nothing(void **state)
{
    struct fov_job slow, other;
    bool ours = true;
    (void)state;
    (void)add_for(web, true);
    assert_true(claim(0, &slow));
    assert_true(claim(LEASE_S, &other)); /* its lease is over */
    assert_string_equal(slow.id, other.id);
    assert_int_equal(other.n_attempts, 2);
    assert_false(claim(LEASE_S, &slow)); /* and this one's is not */
    slow.n_attempts = 1;
    assert_int_equal(fov_store_job_renew(store, slow.id, 1, LEASE_S, &ours, NULL), FOV_OK);
    assert_false(ours);
    finish(&slow, &bad);
    assert_int_equal(fov_store_job_put_back(store, slow.id, 1, NULL), FOV_OK);
    assert_int_equal(get(slow.id).state, FOV_JOB_RUNNING);
    finish(&other, &good);
    finish(&other, &bad); /* it ends once */
    finish(&other, &good);
    assert_int_equal(fov_store_job_put_back(store, other.id, 2, NULL), FOV_OK);
    assert_int_equal(get(slow.id).state, FOV_JOB_DONE);
    assert_int_equal(sql("SELECT count(*) FROM webhook"), 1);
    credits_are(0, 1);
}

static void a_renewed_lease_keeps_others_away(void **state)
{
    struct fov_job job, other;
    bool ours = false;
    (void)state;
    (void)add_for(web, false);
    assert_true(claim(0, &job));
    assert_int_equal(fov_store_job_renew(store, job.id, 1, LEASE_S, &ours, NULL), FOV_OK);
    assert_true(ours);
    assert_false(claim(LEASE_S, &other));
}

static void three_deaths_are_a_failure(void **state)
{
    struct fov_job job;
    struct fov_webhook webhook;
    (void)state;
    const struct fov_job deadly = add_for(web, true), next = add_for(web, false);
    for (int i = 1; i <= FOV_MAX_ATTEMPTS; i++) {
        assert_true(claim(0, &job));
        assert_string_equal(job.id, deadly.id);
        assert_int_equal(job.n_attempts, i);
    }
    assert_true(claim(LEASE_S, &job));
    assert_string_equal(job.id, next.id);
    job = get(deadly.id);
    assert_int_equal(job.state, FOV_JOB_FAILED);
    assert_int_equal(job.status, 500);
    assert_string_equal(job.error, "the service stopped three times while working on it");
    assert_true(next_webhook(time(NULL), &webhook));
    assert_string_equal(webhook.job_id, deadly.id);
    credits_are(1, 0);
}

static void what_is_put_back_does_not_count(void **state)
{
    struct fov_job job, late;
    (void)state;
    (void)add_for(web, false);
    for (int i = 0; i < 2 * FOV_MAX_ATTEMPTS; i++) {
        assert_true(claim(LEASE_S, &job));
        assert_int_equal(fov_store_job_put_back(store, job.id, job.n_attempts, NULL), FOV_OK);
        assert_int_equal(get(job.id).state, FOV_JOB_QUEUED);
        finish(&job, &good); /* it is nobody's now */
    }
    late = job;
    assert_true(claim(LEASE_S, &job)); /* at once */
    finish(&late, &bad);               /* and this is not the claim that was put back */
    assert_int_equal(get(job.id).state, FOV_JOB_RUNNING);
    finish(&job, &good);
    credits_are(0, 1);
}

static void keys_take_turns(void **state)
{
    struct fov_job job, jobs[6];
    (void)state;
    for (int i = 0; i < 6; i++)
        jobs[i] = add_for(i < 4 ? web : archive, false);
    static const int order[] = {0, 4, 1, 5, 2, 3}; /* and of a key, the oldest is first */
    for (size_t i = 0; i < FOV_N_ELEMENTS(order); i++) {
        assert_true(claim(LEASE_S, &job));
        assert_string_equal(job.id, jobs[order[i]].id);
    }
    assert_false(claim(LEASE_S, &job));
}

static void a_dead_worker_takes_no_turn(void **state)
{
    struct fov_job job;
    (void)state;
    (void)add_for(web, false);
    assert_true(claim(0, &job)); /* it dies, so web has nothing at work */
    (void)add_for(archive, false);
    assert_true(claim(LEASE_S, &job));
    assert_int_equal(job.key_id, web);
    (void)add_for(web, false);
    assert_true(claim(LEASE_S, &job));
    assert_int_equal(job.key_id, archive);
}

/* ---- cancelling -------------------------------------------------------------------------- */

static void a_job_is_cancelled_until_it_ends(void **state)
{
    struct fov_job job, claimed;
    bool ours = true;
    (void)state;
    const struct fov_job queued = add_for(web, true);
    assert_int_equal(fov_store_job_cancel(store, archive, queued.id, &job, NULL), FOV_ENOINPUT);
    assert_int_equal(fov_store_job_cancel(store, web_too, queued.id, &job, NULL), FOV_OK);
    assert_int_equal(job.state, FOV_JOB_CANCELLED);
    assert_true(job.finished_s >= job.created_s);
    assert_false(claim(LEASE_S, &claimed));
    (void)add_for(web, true);
    assert_true(claim(LEASE_S, &claimed));
    assert_int_equal(fov_store_job_cancel(store, web, claimed.id, &job, NULL), FOV_OK);
    assert_int_equal(fov_store_job_renew(store, job.id, 1, LEASE_S, &ours, NULL), FOV_OK);
    assert_false(ours);
    finish(&claimed, &good); /* too late */
    assert_int_equal(get(job.id).state, FOV_JOB_CANCELLED);
    assert_int_equal(sql("SELECT count(*) FROM webhook"), 0);
    assert_int_equal(sql("SELECT count(*) FROM blob"), 0);
    credits_are(0, 0);
}

static void refused(const char *id, enum fov_code code, const char *text)
{
    struct fov_job job;
    struct fov_err err = {0};
    assert_int_equal(fov_store_job_cancel(store, web, id, &job, &err), code);
    assert_non_null(strstr(err.text, text));
}

static void what_has_ended_cannot_be_cancelled(void **state)
{
    struct fov_job job;
    struct fov_err err = {0};
    (void)state;
    refused(add_ended(&good, false).id, FOV_EUSAGE, "is done");
    refused(add_ended(&bad, false).id, FOV_EUSAGE, "has failed: photo.jpg: is damaged");
    const struct fov_job cancelled = add_for(web, false);
    assert_int_equal(fov_store_job_cancel(store, web, cancelled.id, &job, NULL), FOV_OK);
    refused(cancelled.id, FOV_EUSAGE, "was cancelled");
    refused("job_none", FOV_ENOINPUT, "there is no job job_none");
    assert_int_equal(fov_store_job_get(store, web_too, cancelled.id, &job, NULL), FOV_OK);
    assert_int_equal(fov_store_job_get(store, archive, cancelled.id, &job, &err), FOV_ENOINPUT);
    assert_non_null(strstr(err.text, "there is no job job_"));
    credits_are(0, 1);
}

/* ---- webhooks ---------------------------------------------------------------------------- */

static void a_webhook_is_claimed_once_a_lease(void **state)
{
    struct fov_webhook w, other;
    (void)state;
    assert_false(next_webhook(INT64_MAX - LEASE_S, &w));
    assert_true(next_due() == INT64_MAX);
    const struct fov_job job = add_ended(&good, true);
    const int64_t at_s = next_due();
    assert_int_equal(at_s, job.finished_s);
    assert_false(next_webhook(at_s - 1, &w));
    assert_true(next_webhook(at_s, &w));
    assert_int_equal(strlen(w.id), FOV_WEBHOOK_ID_CHARS);
    assert_memory_equal(w.id, "msg_", 4);
    assert_string_equal(w.job_id, job.id);
    assert_string_equal(w.url, "https://example.org/done");
    assert_int_equal(w.n_attempts, 1);
    assert_false(next_webhook(at_s + LEASE_S - 1, &other));
    assert_int_equal(next_due(), at_s + LEASE_S);
    assert_true(next_webhook(at_s + LEASE_S, &other)); /* its sender died */
    assert_string_equal(w.id, other.id);
    assert_int_equal(other.n_attempts, 2);

    webhook_done(&w, "example.org: answers 500", at_s + 1000);
    assert_false(next_webhook(at_s + 999, &other));
    assert_true(next_webhook(at_s + 1000, &other));
    assert_string_equal(other.error, "example.org: answers 500");
    webhook_done(&w, NULL, 0);
    webhook_done(&other, "example.org: answers 409", at_s + 1001); /* whoever came first is right */
    assert_false(next_webhook(at_s + 9999, &other));
    assert_true(next_due() == INT64_MAX);
    assert_int_equal(sql("SELECT state = 'delivered' FROM webhook"), 1);
}

static void a_dead_webhook_is_listed_and_tried_again(void **state)
{
    struct fov_webhook w;
    struct fov_err err = {0};
    (void)state;
    const struct fov_job job = add_ended(&good, true);
    (void)add_ended(&bad, true);
    assert_true(next_webhook(time(NULL), &w));
    webhook_done(&w, "example.org: is not there", 0);
    assert_int_equal(see_each(FOV_ANY_PROJECT, FOV_WEBHOOK_DELIVERED).n, 0);
    assert_int_equal(see_each(FOV_ANY_PROJECT, FOV_WEBHOOK_PENDING).n, 1);
    assert_int_equal(see_each(job.project_id + 1, FOV_WEBHOOK_DEAD).n, 0);
    const struct seen dead = see_each(job.project_id, FOV_WEBHOOK_DEAD);
    assert_int_equal(dead.n, 1);
    assert_string_equal(dead.last.id, w.id);
    assert_string_equal(fov_webhook_state_name(dead.last.state), "dead");
    assert_string_equal(dead.last.error, "example.org: is not there");

    assert_int_equal(fov_store_webhook_retry(store, archive, w.id, &err), FOV_ENOINPUT);
    assert_non_null(strstr(err.text, "there is no webhook msg_"));
    assert_int_equal(fov_store_webhook_retry(store, web_too, w.id, NULL), FOV_OK);
    assert_int_equal(fov_store_webhook_retry(store, web_too, w.id, NULL), FOV_EUSAGE);
    assert_int_equal(see_each(FOV_ANY_PROJECT, FOV_WEBHOOK_DEAD).n, 0);
    do
        assert_true(next_webhook(time(NULL), &w));
    while (strcmp(w.id, dead.last.id) != 0);
    assert_int_equal(w.n_attempts, 1); /* all are before it again */
}

/* ---- forgetting -------------------------------------------------------------------------- */

static void what_ended_long_ago_is_forgotten(void **state)
{
    struct fov_webhook w;
    (void)state;
    const struct fov_job done = add_ended(&good, false), told = add_ended(&good, true);
    assert_true(next_webhook(time(NULL), &w));
    webhook_done(&w, NULL, 0);
    const struct fov_job untold = add_ended(&good, true);
    assert_true(next_webhook(time(NULL), &w));
    webhook_done(&w, "example.org: is slow", time(NULL) + 1000);
    const struct fov_job dead = add_ended(&bad, true);
    assert_true(next_webhook(time(NULL), &w));
    webhook_done(&w, "example.org: is gone", 0);
    struct fov_job open = add_for(web, false);
    assert_true(claim(LEASE_S, &open));

    (void)sql("UPDATE webhook SET at_s = at_s + 100 WHERE state <> 'pending'");
    assert_int_equal(fov_store_clean(store, done.created_s, NULL), FOV_OK); /* nothing so old */
    assert_int_equal(sql("SELECT count(*) FROM job"), 5);
    assert_int_equal(fov_store_clean(store, time(NULL) + 50, NULL), FOV_OK);
    assert_true(is_gone(done.id) && is_gone(told.id));
    assert_true(get(untold.id).result_bytes && !is_gone(dead.id) && !is_gone(open.id));
    assert_int_equal(sql("SELECT count(*) FROM blob WHERE kind = 'result'"), 1);
    assert_int_equal(sql("SELECT count(*) FROM webhook"), 2);
    assert_int_equal(fov_store_clean(store, time(NULL) + 500, NULL), FOV_OK);
    assert_true(is_gone(dead.id) && !is_gone(untold.id));
    assert_int_equal(fov_store_clean(store, time(NULL) + 5000, NULL), FOV_OK);
    assert_true(is_gone(untold.id) && !is_gone(open.id));
    assert_int_equal(sql("SELECT count(*) FROM blob WHERE kind = 'result'"), 0);
    for (int i = 0; i < 50; i++) /* more than one transaction takes */
        (void)add_ended(&bad, false);
    assert_int_equal(fov_store_clean(store, time(NULL) + 5000, NULL), FOV_OK);
    assert_int_equal(sql("SELECT count(*) FROM job"), 1);
    audit();
}

static void old_holds_are_released_and_those_of_jobs_kept(void **state)
{
    int64_t hold;
    int n = -1;
    struct fov_job job;
    (void)state;
    (void)add_for(web, false);
    (void)add_for(web, false);
    assert_true(claim(LEASE_S, &job));
    for (int i = 0; i < 3; i++)
        assert_int_equal(fov_store_hold(store, web, &hold, NULL), FOV_OK);
    (void)add_ended(&good, false); /* of the first */
    credits_are(5, 1);
    assert_int_equal(fov_store_release_old(store, time(NULL) - 100, &n, NULL), FOV_OK);
    assert_int_equal(n, 0);
    assert_int_equal(fov_store_release_old(store, time(NULL) + 1, &n, NULL), FOV_OK);
    assert_int_equal(n, 3);
    credits_are(2, 1);
}

static void the_audit_sees_a_job_without_its_hold(void **state)
{
    struct fov_err err = {0};
    (void)state;
    (void)add_for(web, false);
    (void)sql("UPDATE job SET state = 'done'");
    assert_int_equal(fov_store_audit(store, &err), FOV_EINTERNAL);
    assert_non_null(strstr(err.text, "holds of jobs"));
    (void)sql("UPDATE job SET state = 'queued'");
    audit();
    assert_int_equal(fov_store_release(store, sql("SELECT hold FROM job"), NULL), FOV_OK);
    assert_int_equal(fov_store_audit(store, NULL), FOV_EINTERNAL);
    (void)sql("UPDATE job SET state = 'done'");
    err = (struct fov_err){0};
    assert_int_equal(fov_store_audit(store, &err), FOV_EINTERNAL); /* done, and not captured */
    assert_non_null(strstr(err.text, "ends of jobs"));
    (void)sql("UPDATE job SET state = 'failed'");
    audit();
}

#define each(test) cmocka_unit_test_setup_teardown(test, jobs_fresh, jobs_ended)

int main(void)
{
    const struct CMUnitTest tests[] = {
        each(a_job_is_added_claimed_and_done),
        each(a_job_without_a_file_has_none),
        each(a_failure_costs_nothing),
        each(what_is_refused_leaves_nothing),
        each(a_request_that_is_sent_again_is_one_job),
        each(a_worker_that_was_slow_ends_nothing),
        each(a_renewed_lease_keeps_others_away),
        each(three_deaths_are_a_failure),
        each(what_is_put_back_does_not_count),
        each(keys_take_turns),
        each(a_dead_worker_takes_no_turn),
        each(a_job_is_cancelled_until_it_ends),
        each(what_has_ended_cannot_be_cancelled),
        each(a_webhook_is_claimed_once_a_lease),
        each(a_dead_webhook_is_listed_and_tried_again),
        each(what_ended_long_ago_is_forgotten),
        each(old_holds_are_released_and_those_of_jobs_kept),
        each(the_audit_sees_a_job_without_its_hold),
    };
    return cmocka_run_group_tests(tests, jobs_make_folder, jobs_remove_folder);
}
