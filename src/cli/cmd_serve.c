/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_serve.c -- fovea serve.
 *
 * Runs until SIGTERM or SIGINT, which let it finish what it has begun; SIGHUP reads the
 * configuration again. A store without a key, on an address that only this machine reaches, gets
 * one, with credits for trial, so that the first request works.
 *
 * Threads: main; the service has its own. Owns: the service and its store. Trust: options,
 * configuration and environment are an operator's.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/presets.h"
#include "cli/store_at.h"
#include "server/serve.h"

enum { TRIAL_CREDITS = 1000 };

static volatile sig_atomic_t asked_to_reload;

static void on_hangup(int signal_number)
{
    (void)signal_number;
    asked_to_reload = 1;
}

/* Tell systemd, where it wants to hear (sd_notify(3)). */
static void notify(const char *state)
{
    const char *const path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof(to.sun_path))
        return;
    memcpy(to.sun_path, path, strlen(path));
    if (path[0] == '@')
        to.sun_path[0] = '\0';
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const socklen_t n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (fd >= 0 && sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to, n) < 0)
        fov_log(FOV_LOG_WARNING, "systemd cannot be told \"%s\": %s", state, strerror(errno));
    if (fd >= 0)
        (void)close(fd);
}

static enum fov_code read_settings(const struct fov_args *args, struct fov_settings *ret,
                                   struct fov_err *err)
{
    char path[4096];
    const char *const found = args->config ? args->config : fov_presets_config(path);
    const enum fov_code rc = fov_settings_read(found, ret, err);
    if (!rc && args->listen)
        (void)snprintf(ret->listen, sizeof(ret->listen), "%s", args->listen);
    return rc;
}

/* fov_key_fn */
static void count(void *user, const struct fov_key *key)
{
    *(int *)user += key->revoked_s == 0;
}

static bool is_loopback(const char *address)
{
    return !strncmp(address, "127.", 4) || !strncmp(address, "[::1]", 5);
}

/* On the first start: a key and credits. Gives the key's text, or "". */
static enum fov_code first_key(struct fov_store *store, const char *address,
                               char text[FOV_KEY_CHARS + 1], struct fov_err *err)
{
    struct fov_key key;
    struct fov_credits credits;
    int n = 0;
    enum fov_code rc;
    text[0] = '\0';
    if ((rc = fov_store_key_each(store, count, &n, err)) || n || !is_loopback(address))
        return rc;
    if ((rc = fov_store_credits(store, &credits, err)) ||
        (rc = fov_store_key_create(store, "first", "default", text, &key, err)))
        return rc;
    const bool is_new = !credits.trial && !credits.paid && !credits.captured && !credits.held;
    return is_new ? fov_store_grant(store, true, TRIAL_CREDITS, err) : FOV_OK;
}

static void greet(const struct fov_server *server, const char *key)
{
    const char *const at = fov_serve_address(server, false);
    printf("Fovea listens at http://%s\n", at);
    if (fov_serve_address(server, true)[0])
        printf("Metrics are at http://%s/metrics\n", fov_serve_address(server, true));
    if (key[0])
        printf("A first key, shown this once: %s (with %d credits for trial)\n", key,
               TRIAL_CREDITS);
    printf("Keys are made by: fovea key create NAME; credits are added by: fovea credits add N\n");
    printf("Try it:\n"
           "  curl -H 'Authorization: Bearer %s' -H 'Accept: image/*' -o large.png \\\n"
           "    -F file=@small.jpg -F 'operations=[{\"type\": \"upscale\", \"factor\": 2}]' \\\n"
           "    http://%s/image-transformation/v1/transform\n",
           key[0] ? key : "KEY", at);
    (void)fflush(stdout);
}

static void reload(const struct fov_args *args, struct fov_server *server)
{
    struct fov_settings settings;
    struct fov_err err = {0};
    asked_to_reload = 0;
    notify("RELOADING=1");
    if (read_settings(args, &settings, &err))
        fov_log(FOV_LOG_ERROR, "the settings stay as they were: %s", err.text);
    else
        fov_serve_reload(server, &settings);
    notify("READY=1");
}

static void run(const struct fov_args *args, struct fov_server *server)
{
    const struct timespec moment = {.tv_nsec = 200000000}; /* a signal that comes before it waits */
    while (!fov_cli_stopped()) {
        (void)nanosleep(&moment, NULL);
        if (asked_to_reload)
            reload(args, server);
    }
}

enum fov_code fov_cmd_serve(const struct fov_args *args, struct fov_err *err)
{
    FOV_AUTO(fov_cli_store_close_at) struct fov_store *store = NULL;
    const struct sigaction hangup = {.sa_handler = on_hangup};
    struct fov_settings settings;
    struct fov_server *server;
    char key[FOV_KEY_CHARS + 1];
    enum fov_code rc;

    (void)sigaction(SIGHUP, &hangup, NULL);
    if ((rc = read_settings(args, &settings, err)) || (rc = fov_cli_store(args, &store, err)) ||
        (rc = fov_serve_start(&settings, store, &server, err)))
        return rc;
    if (!(rc = first_key(store, fov_serve_address(server, false), key, err))) {
        greet(server, key);
        notify("READY=1");
        run(args, server);
        notify("STOPPING=1");
    }
    fov_serve_stop(server);
    return rc;
}
