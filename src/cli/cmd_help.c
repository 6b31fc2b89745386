/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_help.c -- fovea help [COMMAND|OPERATION|operations].
 *
 * Threads: main. Owns: nothing. Trust: a user's words.
 */
#include <stdio.h>
#include <string.h>

#include "cli/options.h"
#include "image/recipe.h"

static void print_field(const struct fov_field *f)
{
    char range[200];
    fov_field_range(f, range, sizeof(range));
    printf("  %-22s  %s\n  %-22s  %s", f->name, f->help, "", range);
    if (f->fallback == FOV_REQUIRED)
        printf("; required\n");
    else if (f->fallback == FOV_NONE)
        printf("\n");
    else if (f->kind == FOV_FIELD_COLOUR)
        printf("; #%06X unless given\n", (unsigned)f->fallback);
    else if (f->kind == FOV_FIELD_WORD)
        printf("; the first unless given\n");
    else
        printf("; %g unless given\n", f->fallback);
}

/* Explain an operation, or list them all. False when `word` is neither. */
static bool explain_op(const char *word)
{
    if (!strcmp(word, "operations")) {
        for (int i = 0; i < fov_n_ops; i++)
            printf("  %-20s %s\n", fov_op_infos[i].name, fov_op_infos[i].help);
        printf("\nfovea help OPERATION lists its fields.\n");
        return true;
    }
    const struct fov_op_info *const op = fov_op_find(word);
    if (!op)
        return false;
    printf("{\"type\": \"%s\"%s}\n\n%s\n", op->name, op->n_fields ? ", ..." : "", op->help);
    if (op->n_fields)
        putchar('\n');
    for (int i = 0; i < op->n_fields; i++)
        print_field(&op->fields[i]);
    return true;
}

enum fov_code fov_cmd_help(const struct fov_args *args, struct fov_err *err)
{
    enum fov_command_id command = FOV_N_COMMANDS;
    if (args->n_operands) {
        command = fov_command_find(args->operands[0]);
        if (command == FOV_N_COMMANDS && explain_op(args->operands[0]))
            return FOV_OK;
        if (command == FOV_N_COMMANDS)
            return fov_command_unknown(args->operands[0], err);
    }
    fov_options_help(command);
    return FOV_OK;
}
