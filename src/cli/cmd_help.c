/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_help.c -- fovea help [COMMAND].
 *
 * Threads: main. Owns: nothing. Trust: a user's words.
 */
#include <stdio.h>

#include "cli/options.h"

enum fov_code fov_cmd_help(const struct fov_args *args, struct fov_err *err)
{
    enum fov_command_id command = FOV_N_COMMANDS;
    if (args->n_operands) {
        command = fov_command_find(args->operands[0]);
        if (command == FOV_N_COMMANDS)
            return fov_command_unknown(args->operands[0], err);
    }
    fov_options_help(command);
    return FOV_OK;
}
