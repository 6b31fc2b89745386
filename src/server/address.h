/* SPDX-License-Identifier: Apache-2.0 */
/* address.h -- which addresses a stranger's URL may lead to. */
#ifndef FOV_SERVER_ADDRESS_H
#define FOV_SERVER_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/* Is this the address of a host on the public Internet? Not so: this machine, its networks, those
 * of its cloud, groups, what is reserved, and any of that within an IPv6 address (mapped, NAT64,
 * 6to4, Teredo). Nothing but IPv4 and IPv6 is. */
bool fov_address_is_public(const struct sockaddr *address);

#endif
