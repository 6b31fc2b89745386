/* SPDX-License-Identifier: Apache-2.0 */
/* options.c -- the command line, parsed by the table options.def.
 *
 * getopt_long() does the splitting; the table does the rest: which option belongs to which command,
 * what its value may be, and the help. A misspelt word is answered with the nearest known one.
 *
 * Threads: main. Owns: nothing; texts point into argv. Trust: a user's words.
 */
#define _GNU_SOURCE
#include "cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

enum kind { FLAG, INT, LONG, REAL, TEXT, FACTOR }; /* FACTOR: INT or auto, which is 0 */

/* Bits for the column "commands". */
enum {
    UPSCALE = 1 << FOV_CMD_upscale,
    TRANSFORM = 1 << FOV_CMD_transform,
    MODELS = 1 << FOV_CMD_models,
    EVAL = 1 << FOV_CMD_eval,
    INSPECT = 1 << FOV_CMD_inspect,
    KEY = 1 << FOV_CMD_key,
    CREDITS = 1 << FOV_CMD_credits,
    PRESETS = 1 << FOV_CMD_presets,
    SERVE = 1 << FOV_CMD_serve,
    HELP = 1 << FOV_CMD_help,
};

static const struct entry {
    const char *name; /* the member's, with '_' */
    enum kind kind;
    const char *value;
    int64_t least, most;
    unsigned commands;
    const char *help;
    size_t at;
} options[] = {
#define OPTION(member, kind, value, least, most, commands, help)                                   \
    {#member, kind, value, least, most, commands, help, offsetof(struct fov_args, member)},
#include "cli/options.def"
};

const struct fov_command fov_commands[FOV_N_COMMANDS] = {
#define COMMAND(id, operands, least, most, line, text)                                             \
    {#id, operands, line, text, least, most, fov_cmd_##id},
#include "cli/options.def"
};

enum { N_OPTIONS = FOV_N_ELEMENTS(options), NAME_BYTES = 24, MAX_WORD = 40 };

static void spell(const struct entry *o, char name[NAME_BYTES])
{
    size_t i = 0;
    for (; o->name[i] && i < NAME_BYTES - 1; i++)
        name[i] = o->name[i] == '_' ? '-' : o->name[i];
    name[i] = '\0';
}

enum fov_command_id fov_command_find(const char *name)
{
    for (int i = 0; i < FOV_N_COMMANDS; i++)
        if (!strcmp(name, fov_commands[i].name))
            return (enum fov_command_id)i;
    return FOV_N_COMMANDS;
}

enum fov_code fov_command_unknown(const char *name, struct fov_err *err)
{
    const char *names[FOV_N_COMMANDS];
    for (int i = 0; i < FOV_N_COMMANDS; i++)
        names[i] = fov_commands[i].name;
    const char *const near = fov_nearest(name, names, FOV_N_COMMANDS);
    if (near)
        return fov_fail(err, FOV_EUSAGE, "there is no command '%.40s'; did you mean %s?", name,
                        near);
    return fov_fail(err, FOV_EUSAGE, "there is no command '%.40s' (see `fovea help`)", name);
}

static enum fov_code set_real(const struct entry *o, const char *value, double *ret_number,
                              struct fov_err *err)
{
    if (!fov_parse_real(value, (double)o->least, (double)o->most, ret_number))
        return fov_fail(err, FOV_EUSAGE, "--%s %.40s: it is a number from %lld to %lld", o->name,
                        value, (long long)o->least, (long long)o->most);
    return FOV_OK;
}

static enum fov_code set_option(const struct entry *o, const char *value, struct fov_args *args,
                                struct fov_err *err)
{
    void *const at = (char *)args + o->at;
    char name[NAME_BYTES], *end;
    spell(o, name);

    switch (o->kind) {
    case FLAG:
        *(bool *)at = true;
        return FOV_OK;
    case TEXT:
        *(const char **)at = value;
        return FOV_OK;
    case REAL:
        return set_real(o, value, at, err);
    case FACTOR:
        if (!strcmp(value, "auto")) {
            *(int *)at = 0;
            return FOV_OK;
        }
        break;
    case INT:
    case LONG:
        break;
    }
    errno = 0;
    const long long n = strtoll(value, &end, 10);
    if (end == value || *end || errno || n < o->least || n > o->most) {
        if (o->kind == LONG)
            return fov_fail(err, FOV_EUSAGE, "--%s %.40s: it is a whole number from %lld", name,
                            value, (long long)o->least);
        return fov_fail(err, FOV_EUSAGE, "--%s %.40s: it is a whole number from %lld to %lld%s",
                        name, value, (long long)o->least, (long long)o->most,
                        o->kind == FACTOR ? ", or auto" : "");
    }
    if (o->kind != LONG)
        *(int *)at = (int)n;
    else
        *(int64_t *)at = n;
    return FOV_OK;
}

/* The option of this command that is nearest to a misspelt one, or NULL. */
static const char *near_option(enum fov_command_id command, const char *word,
                               char found[NAME_BYTES])
{
    const char *words[N_OPTIONS];
    char names[N_OPTIONS][NAME_BYTES];
    int n = 0;
    for (int i = 0; i < N_OPTIONS; i++)
        if (options[i].commands & 1u << command) {
            spell(&options[i], names[n]);
            words[n] = names[n];
            n++;
        }
    const char *const near = fov_nearest(word, words, n);
    if (!near)
        return NULL;
    (void)snprintf(found, NAME_BYTES, "%s", near);
    return found;
}

/* getopt_long() has met something that it does not know, or a value is missing or too much. */
static enum fov_code bad_option(enum fov_command_id command, const char *arg, int found,
                                struct fov_err *err)
{
    const char *const name = fov_commands[command].name;
    char word[MAX_WORD + 1], near[NAME_BYTES];

    (void)snprintf(word, sizeof(word), "%.*s", (int)strcspn(arg, "="), arg);
    if (optopt > 0 && optopt < 256) /* one letter, maybe in the middle of several */
        (void)snprintf(word, sizeof(word), "-%c", optopt);
    if (found == ':')
        return fov_fail(err, FOV_EUSAGE, "%s needs a value", word);
    if (optopt >= 256)
        return fov_fail(err, FOV_EUSAGE, "%s takes no value", word);
    if (!strncmp(word, "--", 2) && near_option(command, word + 2, near))
        return fov_fail(err, FOV_EUSAGE, "%s has no option %s; did you mean --%s?", name, word,
                        near);
    return fov_fail(err, FOV_EUSAGE, "%s has no option %s (see `fovea help %s`)", name, word, name);
}

enum fov_code fov_options_parse(enum fov_command_id command, int argc, char **argv,
                                struct fov_args *ret_args, struct fov_err *err)
{
    const struct fov_command *const c = &fov_commands[command];
    struct fov_args args = {.factor = -1,
                            .scale = -1,
                            .threads = -1,
                            .quality = -1,
                            .page = -1,
                            .max_pixels = -1,
                            .budget = -1,
                            .width = -1,
                            .height = -1,
                            .min_side = -1,
                            .dpi = -1,
                            .chroma = -1,
                            .effort = -1,
                            .detail = -1,
                            .denoise = -1};
    struct option known[N_OPTIONS + 1] = {0};
    char names[N_OPTIONS][NAME_BYTES];
    int n = 0, found;
    enum fov_code rc;

    for (int i = 0; i < N_OPTIONS; i++) {
        if (!(options[i].commands & 1u << command))
            continue;
        spell(&options[i], names[n]);
        known[n] = (struct option){names[n], options[i].value ? required_argument : no_argument,
                                   NULL, 256 + i};
        n++;
    }
    optind = 0;
    opterr = 0;
    while ((found = getopt_long(argc, argv, ":", known, NULL)) != -1) {
        if (found < 256)
            return bad_option(command, argv[optind - 1], found, err);
        if ((rc = set_option(&options[found - 256], optarg, &args, err)))
            return rc;
    }
    args.n_operands = argc - optind;
    if (!args.help && (args.n_operands < c->least || args.n_operands > c->most))
        return fov_fail(err, FOV_EUSAGE, "usage: fovea %s %s%s(see `fovea help %s`)", c->name,
                        c->operands, c->operands[0] ? " " : "", c->name);
    args.operands = argv + optind;
    *ret_args = args;
    return FOV_OK;
}

void fov_options_help(enum fov_command_id command)
{
    if (command == FOV_N_COMMANDS) {
        printf("Fovea enlarges pictures with neural networks, on the CPU you have.\n\n"
               "usage: fovea COMMAND ...\n\n");
        for (int i = 0; i < FOV_N_COMMANDS; i++)
            printf("  %-9s %-12s %s\n", fov_commands[i].name, fov_commands[i].operands,
                   fov_commands[i].line);
        printf("\nfovea help COMMAND lists a command's options; fovea --version says what is "
               "here.\n");
        return;
    }
    const struct fov_command *const c = &fov_commands[command];
    printf("usage: fovea %s %s%s[OPTION...]\n\n%s\n\n", c->name, c->operands,
           c->operands[0] ? " " : "", c->text[0] ? c->text : c->line);
    for (int i = 0; i < N_OPTIONS; i++) {
        char name[NAME_BYTES];
        if (!(options[i].commands & 1u << command))
            continue;
        spell(&options[i], name);
        const int used = printf("  --%s%s%s", name, options[i].value ? " " : "",
                                options[i].value ? options[i].value : "");
        printf("%*s%s\n", used < 19 ? 19 - used : 1, "", options[i].help);
    }
}
