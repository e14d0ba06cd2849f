/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See input.h. Links nothing but the C library, as the first half of the hook must not. */
#include "input.h"

#include <errno.h>

int vfa_input_read(int fd, struct vfa_input *in)
{
    size_t room = in->len;

    for (;;) {
        ssize_t n;

        if (in->len == room) {
            char *more;

            if (room >= VFA_INPUT_MAX)
                return -EFBIG;
            room = room ? room * 2 : 64u << 10;
            more = realloc(in->data, room);
            if (!more)
                return -ENOMEM;
            in->data = more;
        }
        n = read(fd, in->data + in->len, room - in->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return 0;
        in->len += (size_t)n;
    }
}

void vfa_input_clear(struct vfa_input *in)
{
    free(in->data);
    in->data = NULL;
    in->len = 0;
}

int vfa_output_write(int fd, const char *data, size_t len)
{
    size_t done = 0;

    while (done < len) {
        ssize_t n = write(fd, data + done, len - done);

        if (n < 0 && errno != EINTR)
            return -errno;
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}
