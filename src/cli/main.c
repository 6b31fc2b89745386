/* SPDX-License-Identifier: Apache-2.0 */
/* main.c -- the program: one command, one sentence when it fails, one exit status.
 *
 * A signal asks the running command to stop; its unfinished result has no name yet and vanishes
 * (base/outfile.c), and the program then ends by that signal, as a shell expects. A reader that
 * went away and a file that outgrew its limit are write errors here, not signals.
 *
 * Threads: main. Owns: the process. Trust: a user's words.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "image/image.h"
#include "worker/worker.h"

static volatile sig_atomic_t stopped;

static bool on_terminal;

static void on_signal(int signal_number)
{
    static const char words[] = "\nfovea: stopping; once more ends it at once\n";
    if (on_terminal && write(STDERR_FILENO, words, sizeof(words) - 1) < 0)
        on_terminal = false;
    stopped = signal_number;
}

int fov_cli_stopped(void)
{
    return stopped;
}

static void catch_signals(void)
{
    static const int asked[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    on_terminal = isatty(STDERR_FILENO);
    for (size_t i = 0; i < FOV_N_ELEMENTS(asked); i++) {
        struct sigaction old;
        if (!sigaction(asked[i], NULL, &old) && old.sa_handler != SIG_IGN) /* nohup */
            sigaction(asked[i], &action, NULL); /* a second one ends the program at once */
    }
    action = (struct sigaction){.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &action, NULL);
    sigaction(SIGXFSZ, &action, NULL);
}

/* A file that is opened later must not be what is printed to because its number was free. O_PATH:
 * to write there fails as before. */
static void fill_standard_streams(void)
{
    int fd;
    do
        fd = open("/dev/null", O_PATH | O_CLOEXEC);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        (void)close(fd);
}

static int end_by_signal(int signal_number)
{
    const struct sigaction action = {.sa_handler = SIG_DFL};
    sigaction(signal_number, &action, NULL);
    (void)raise(signal_number);
    return 128 + signal_number;
}

static enum fov_code run_command(int argc, char **argv, bool *ret_json, struct fov_err *err)
{
    const enum fov_command_id command = fov_command_find(argv[0]);
    struct fov_args args;
    if (command == FOV_N_COMMANDS)
        return fov_command_unknown(argv[0], err);
    const enum fov_code rc = fov_options_parse(command, argc, argv, &args, err);
    if (rc)
        return rc;
    if (args.help) {
        fov_options_help(command);
        return FOV_OK;
    }
    *ret_json = args.json;
    return fov_commands[command].run(&args, err);
}

static void print_version(void)
{
    printf("fovea %s (libvips %s, %s, %d cores)\n", fov_version(), fov_image_library(),
           fov_cpu_name(fov_cpu_detect()), fov_cpu_count());
}

/* A failure goes to standard error as a sentence, and with --json to standard output as well. */
static int fail(const struct fov_err *err, enum fov_code code, bool json)
{
    fov_log(FOV_LOG_ERROR, "%s", err->text);
    if (json && !fov_cli_json_printed() &&
        fov_cli_print_json(json_pack("{s:o, s:i}", "error", fov_cli_text(err->text), "exit_status",
                                     fov_err_exit_status(code)),
                           NULL))
        fov_log(FOV_LOG_ERROR, "standard output: cannot write it");
    return fov_err_exit_status(code);
}

int main(int argc, char **argv)
{
    struct fov_err err = {0};
    bool json = false;

    enum fov_code rc = FOV_OK;

    if (argc > 1 && !strcmp(argv[1], FOV_WORKERS_ARG)) /* the service starts itself like this */
        return fov_workers_main(argc, argv);
    fill_standard_streams();
    mallopt(M_MMAP_THRESHOLD, 1 << 20); /* a picture's memory goes back to the system with it */
    mallopt(M_TRIM_THRESHOLD, 4 << 20); /* but not what the next layer's weights will need */
    catch_signals();
    if (argc < 2) {
        fov_options_help(FOV_N_COMMANDS);
        return fov_err_exit_status(FOV_EUSAGE);
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
        fov_options_help(FOV_N_COMMANDS);
    else if (!strcmp(argv[1], "--version"))
        print_version();
    else
        rc = run_command(argc - 1, argv + 1, &json, &err);
    fov_image_stop();

    if (stopped && rc == FOV_ECANCEL)
        return end_by_signal(stopped);
    if (!rc && (ferror(stdout) || fflush(stdout)))
        rc = fov_fail(&err, FOV_EOUTPUT, "standard output: cannot write it");
    return rc ? fail(&err, rc, json) : 0;
}
