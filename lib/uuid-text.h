/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* UUIDs as text. */
#ifndef VFA_UUID_TEXT_H
#define VFA_UUID_TEXT_H

#define VFA_UUID_SIZE 37 /* with the NUL */

#endif
