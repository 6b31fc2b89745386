/* SPDX-License-Identifier: Apache-2.0 */
/* fonts.h -- the text of a drawing, where no file can be opened. */
#ifndef FOV_WORKER_FONTS_H
#define FOV_WORKER_FONTS_H

/* Open the fonts of this system, so that opening one for reading by its path works in the sandbox
 * as well. How many were opened: that many descriptors are taken. Once a process. */
int fov__fonts_open(void);

#endif
