/* SPDX-License-Identifier: Apache-2.0 */
/* modules.c -- libvips's modules, opened when a picture wants one.
 *
 * Some of libvips's decoders and encoders are modules: HEIF and AVIF, JPEG XL, PDF, slides, and all
 * that ImageMagick reads. vips_init() opens them all, with thirty libraries behind them, which took
 * 20 of the 60 ms that one pixel took (docs/SPEED.md). libvips has no switch for that, but looks
 * for its modules under $VIPSHOME when that is set: it is set to where there are none while libvips
 * starts, and they are opened from their real folder when a format asks for it. Whoever has set
 * VIPSHOME, or has no such folder, gets what libvips does by itself.
 *
 * Threads: main. Owns: the modules, until the process ends. Trust: the folder is libvips's own.
 */
#include <gmodule.h>
#include <unistd.h>

#include "base/mem.h"
#include "image/vimage.h"

static bool deferred; /* and not opened yet */

static char *folder_name(void)
{
    return g_strdup_printf(FOV_VIPS_LIBDIR "/vips-modules-%d.%d", vips_version(0), vips_version(1));
}

int fov__modules_defer(int (*start)(const char *program), const char *program)
{
    char *const folder = folder_name();
    deferred = !g_getenv("VIPSHOME") && !access(folder, R_OK | X_OK) &&
               g_setenv("VIPSHOME", "/dev/null", FALSE);
    g_free(folder);
    const int failed = start(program);
    if (deferred)
        g_unsetenv("VIPSHOME");
    return failed;
}

static bool untrusted_allowed;

void fov__allow_untrusted(bool allowed)
{
    static const char *const wanted[] = {"VipsForeignLoadSvg", "VipsForeignLoadJxl",
                                         "VipsForeignSaveJxl"};
    untrusted_allowed = allowed;
    vips_block_untrusted_set(!allowed);
    for (size_t i = 0; i < FOV_N_ELEMENTS(wanted); i++)
        vips_operation_block_set(wanted[i], FALSE);
}

bool fov__modules_open(void)
{
    if (!deferred)
        return false;
    deferred = false;
    char *const folder = folder_name();
    GDir *const dir = g_dir_open(folder, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));) {
        char *const path = g_build_filename(folder, name, NULL);
        GModule *const module =
            g_str_has_suffix(name, ".so") ? g_module_open(path, G_MODULE_BIND_LAZY) : NULL;
        if (module) /* its types cannot be taken back */
            g_module_make_resident(module);
        g_free(path);
    }
    if (dir)
        g_dir_close(dir);
    g_free(folder);
    fov__allow_untrusted(untrusted_allowed); /* what they brought, too */
    return true;
}
