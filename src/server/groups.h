/* Which listeners a configuration wants, and which blocks each of them serves. */
#ifndef ISTHMUS_SERVER_GROUPS_H
#define ISTHMUS_SERVER_GROUPS_H

#include "server/listener.h"

/* Fills config->groups from the keys and `bind` addresses of all blocks; false with complaints when two of them collide or an
 * address is none. */
bool groups_build(struct config *config, struct complaints *c);

#endif
