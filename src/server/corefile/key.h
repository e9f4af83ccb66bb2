/* Keys of server blocks and zones as arguments: [scheme://]ZONE[:PORT] or [scheme://]CIDR[:PORT].
 */
#ifndef ISTHMUS_SERVER_COREFILE_KEY_H
#define ISTHMUS_SERVER_COREFILE_KEY_H

#include "server/corefile.h"

enum { ZONES_PER_KEY_MAX = 128 }; /* a /25 of IPv4 is 128 zones of /32 */

struct key_parts {
	enum scheme scheme;
	const char *port; /* NULL: none written */
	struct name zones[ZONES_PER_KEY_MAX];
	size_t zone_count;
	const char *error; /* why it is no key, in CoreDNS's words; NULL if it is one */
};

/* Takes a key apart; the zones (more than one for a CIDR between boundaries) are in lower case, in
 * the arena. */
void key_read(struct arena *a, struct view text, struct key_parts *parts);

#endif
