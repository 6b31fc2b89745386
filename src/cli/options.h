/* SPDX-License-Identifier: Apache-2.0 */
/* options.h -- the command line, parsed by the table options.def. */
#ifndef FOV_CLI_OPTIONS_H
#define FOV_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum fov_command_id {
#define COMMAND(id, operands, least, most, line, text) FOV_CMD_##id,
#include "cli/options.def"
    FOV_N_COMMANDS
};

/* Numbers are -1 and texts NULL where the option was not given. */
struct fov_args {
    int factor, scale, threads, quality, page, width, height, min_side, dpi, chroma, jpeg,
        effort; /* factor 0: auto */
    int64_t max_pixels, budget;
    double detail, denoise;
    const char *store, *project, *listen, *config;
    const char *method, *model, *mix, *set, *ops, *preset, *fit, *print, *keep;
    bool dry_run, exact, force, trust, strip, lossless, progressive, json, trial, help;
    char *const *operands; /* of n_operands, in argv */
    int n_operands;
};

/* Each command, in a file cmd_<name>.c. */
#define COMMAND(id, operands, least, most, line, text)                                             \
    FOV_CHECKED enum fov_code fov_cmd_##id(const struct fov_args *args, struct fov_err *err);
#include "cli/options.def"

struct fov_command {
    const char *name, *operands, *line, *text;
    int least, most;
    enum fov_code (*run)(const struct fov_args *args, struct fov_err *err);
};
extern const struct fov_command fov_commands[FOV_N_COMMANDS];

/* The command called `name`, or FOV_N_COMMANDS. */
enum fov_command_id fov_command_find(const char *name);

/* FOV_EUSAGE: there is no command `name`, with the nearest one that there is. */
enum fov_code fov_command_unknown(const char *name, struct fov_err *err);

/* Parse what follows the command: argv[0] is the command itself. FOV_EUSAGE. */
FOV_CHECKED enum fov_code fov_options_parse(enum fov_command_id command, int argc, char **argv,
                                            struct fov_args *ret_args, struct fov_err *err);

/* Print a command's help, or with FOV_N_COMMANDS the list of commands, to standard output. */
void fov_options_help(enum fov_command_id command);

#endif
