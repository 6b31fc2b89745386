/* SPDX-License-Identifier: Apache-2.0 */
/* message.c -- packets with descriptors.
 *
 * Threads: any; a packet is whole. Owns: nothing. Trust: lengths are the receiver's to judge.
 */
#define _GNU_SOURCE
#include "worker/message.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Room for descriptors, aligned as the system wants it. */
union fds {
    struct cmsghdr header;
    char room[CMSG_SPACE(FOV__N_ASK_FDS * sizeof(int))];
};

bool fov__send(int socket, void *data, size_t bytes, const int *fds, int n_fds)
{
    struct iovec part = {.iov_base = data, .iov_len = bytes};
    union fds with;
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    const size_t fd_bytes = (size_t)n_fds * sizeof(int);
    ssize_t n;
    if (n_fds > 0) {
        memset(&with, 0, sizeof(with));
        message.msg_control = with.room;
        message.msg_controllen = CMSG_SPACE(fd_bytes);
        struct cmsghdr *const header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(fd_bytes);
        memcpy(CMSG_DATA(header), fds, fd_bytes);
    }
    do
        n = sendmsg(socket, &message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)bytes;
}

ssize_t fov__receive(int socket, void *to, size_t room, int *fds, int *ret_n_fds)
{
    struct iovec part = {.iov_base = to, .iov_len = room};
    union fds with;
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = with.room,
                             .msg_controllen = fds ? sizeof(with.room) : 0};
    ssize_t n;
    do
        n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (!fds || n < 0)
        return n;
    *ret_n_fds = 0;
    const struct cmsghdr *const header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
        *ret_n_fds = (int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(fds, CMSG_DATA(header), (size_t)*ret_n_fds * sizeof(int));
    }
    return n;
}
