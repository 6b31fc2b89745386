/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_key.c -- fovea key create NAME, list, revoke PREFIX, secret; fovea credits, credits add N,
 * credits audit.
 *
 * Threads: main. Owns: what one run opens. Trust: a user's words.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/store_at.h"

static void day_of(int64_t unix_s, char text[20])
{
    const time_t t = (time_t)unix_s;
    struct tm tm;
    text[0] = '\0';
    if (gmtime_r(&t, &tm))
        (void)strftime(text, 20, "%Y-%m-%d", &tm);
}

/* fov_key_fn: `user` is a json_t array, or NULL to print. */
static void show(void *user, const struct fov_key *key)
{
    char created[20], revoked[20];
    day_of(key->created_s, created);
    day_of(key->revoked_s, revoked);
    if (user)
        (void)json_array_append_new(
            user,
            json_pack("{s:s, s:s, s:s, s:I, s:b, s:I}", "prefix", key->prefix, "name", key->name,
                      "project", key->project, "created", (json_int_t)key->created_s, "revoked",
                      key->revoked_s != 0, "used", (json_int_t)key->n_used));
    else
        printf("%s  %s  %8lld used  %s (%s)%s%s\n", key->prefix, created, (long long)key->n_used,
               key->name, key->project, key->revoked_s ? ", revoked " : "",
               key->revoked_s ? revoked : "");
}

static enum fov_code create(const struct fov_args *args, struct fov_store *store,
                            struct fov_err *err)
{
    const char *const project = args->project ? args->project : "default";
    char text[FOV_KEY_CHARS + 1];
    struct fov_key key;
    enum fov_code rc;
    if ((args->budget >= 0 && (rc = fov_store_budget(store, project, args->budget, err))) ||
        (rc = fov_store_key_create(store, args->operands[1], project, text, &key, err)))
        return rc;
    if (args->json)
        return fov_cli_print_json(json_pack("{s:s, s:s, s:s, s:s}", "key", text, "prefix",
                                            key.prefix, "name", key.name, "project", key.project),
                                  err);
    printf("%s\n", text);
    (void)fprintf(stderr, "This is the only time that the key is shown.\n");
    return FOV_OK;
}

/* What receivers of webhooks check signatures with: of the whole store, not of a key. */
static enum fov_code show_secret(const struct fov_args *args, struct fov_store *store,
                                 struct fov_err *err)
{
    char text[FOV_SECRET_ROOM];
    const enum fov_code rc = fov_store_secret(store, text, err);
    if (rc)
        return rc;
    if (args->json)
        return fov_cli_print_json(json_pack("{s:s}", "secret", text), err);
    printf("%s\n", text);
    return FOV_OK;
}

enum fov_code fov_cmd_key(const struct fov_args *args, struct fov_err *err)
{
    FOV_AUTO(fov_cli_store_close_at) struct fov_store *store = NULL;
    const char *const action = args->operands[0];
    const bool is_list = !strcmp(action, "list"), is_create = !strcmp(action, "create");
    const bool is_secret = !strcmp(action, "secret");
    enum fov_code rc;

    if ((!is_list && !is_create && !is_secret && strcmp(action, "revoke") != 0) ||
        args->n_operands != (is_list || is_secret ? 1 : 2))
        return fov_fail(err, FOV_EUSAGE,
                        "usage: fovea key create NAME, key list, key revoke PREFIX, or key secret");
    if (!is_create && (args->project || args->budget >= 0))
        return fov_fail(err, FOV_EUSAGE, "--project and --budget go with key create");
    if ((rc = fov_cli_store(args, &store, err)))
        return rc;
    if (is_create)
        return create(args, store, err);
    if (is_secret)
        return show_secret(args, store, err);
    if (!is_list)
        return fov_store_key_revoke(store, args->operands[1], err);
    json_t *const list = args->json ? json_array() : NULL;
    rc = fov_store_key_each(store, show, list, err);
    if (rc)
        json_decref(list);
    return rc || !list ? rc : fov_cli_print_json(list, err);
}

static enum fov_code show_credits(const struct fov_args *args, struct fov_store *store,
                                  struct fov_err *err)
{
    struct fov_credits c;
    const enum fov_code rc = fov_store_credits(store, &c, err);
    if (rc)
        return rc;
    if (args->json)
        return fov_cli_print_json(json_pack("{s:I, s:I, s:I, s:I}", "trial", (json_int_t)c.trial,
                                            "paid", (json_int_t)c.paid, "held", (json_int_t)c.held,
                                            "used", (json_int_t)c.captured),
                                  err);
    printf("%lld credits are left, %lld of them for trial; %lld are held, %lld were used\n",
           (long long)c.trial + (long long)c.paid, (long long)c.trial, (long long)c.held,
           (long long)c.captured);
    return FOV_OK;
}

/* What does not agree is the failure. */
static enum fov_code audit(const struct fov_args *args, struct fov_store *store,
                           struct fov_err *err)
{
    const enum fov_code rc = fov_store_audit(store, err);
    if (rc)
        return rc;
    if (args->json)
        return fov_cli_print_json(json_pack("{s:b}", "agrees", 1), err);
    printf("balances, holds and jobs agree with the ledger\n");
    return FOV_OK;
}

enum fov_code fov_cmd_credits(const struct fov_args *args, struct fov_err *err)
{
    FOV_AUTO(fov_cli_store_close_at) struct fov_store *store = NULL;
    const bool is_add = args->n_operands == 2 && !strcmp(args->operands[0], "add");
    const bool is_show =
        args->n_operands == 0 || (args->n_operands == 1 && !strcmp(args->operands[0], "show"));
    const bool is_audit = args->n_operands == 1 && !strcmp(args->operands[0], "audit");
    char *rest;
    enum fov_code rc;

    if (!is_add && !is_show && !is_audit)
        return fov_fail(err, FOV_EUSAGE,
                        "usage: fovea credits [show], credits add N, or credits audit");
    if (args->trial && !is_add)
        return fov_fail(err, FOV_EUSAGE, "--trial goes with credits add");
    const long long n = is_add ? strtoll(args->operands[1], &rest, 10) : 0;
    if (is_add && (rest == args->operands[1] || *rest))
        return fov_fail(err, FOV_EUSAGE, "credits add %.40s: it is a whole number",
                        args->operands[1]);
    if ((rc = fov_cli_store(args, &store, err)) ||
        (is_add && (rc = fov_store_grant(store, args->trial, n, err))))
        return rc;
    return is_audit ? audit(args, store, err) : show_credits(args, store, err);
}
