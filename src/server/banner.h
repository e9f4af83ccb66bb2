/* What the server says of itself when it has started. */
#ifndef ISTHMUS_SERVER_BANNER_H
#define ISTHMUS_SERVER_BANNER_H

#include "server/listener.h"

/* A line for each zone of each listener: "tls://example.org.:853 on 127.0.0.1", after a warning for odd names. */
void banner_zones(const struct config *config);

/* The two lines of -version: name and version; system, compiler. */
void banner_version(void (*line)(struct view text));

#endif
