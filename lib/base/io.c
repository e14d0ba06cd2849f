/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See io.h. Needs only the C library, because the hook prefilters link nothing else. */

#include "io.h"

#include <errno.h>

#define FIRST_ROOM (64u << 10)

/* Raises *room, the allocated size. -EFBIG: *room is `max` already. */
static int grow(struct vfa_io_data *data, size_t max, size_t *room)
{
    size_t more = *room ? *room * 2 : FIRST_ROOM;
    char *p;

    if (*room >= max)
        return -EFBIG;
    more = more < max ? more : max;
    p = realloc(data->data, more);
    if (!p)
        return -ENOMEM;
    data->data = p;
    *room = more;
    return 0;
}

int vfa_io_read_all(int fd, size_t max, struct vfa_io_data *data)
{
    size_t room = data->len;

    for (;;) {
        int r = data->len == room ? grow(data, max, &room) : 0;
        ssize_t n;

        if (r < 0)
            return r;
        n = read(fd, data->data + data->len, room - data->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return 0;
        data->len += (size_t)n;
    }
}

void vfa_io_data_clear(struct vfa_io_data *data)
{
    free(data->data);
    data->data = NULL;
    data->len = 0;
}

int vfa_io_write_all(int fd, const char *data, size_t len)
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
