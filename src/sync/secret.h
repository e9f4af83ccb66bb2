/* What was sent in confidence may come back in what a service says of an error: it is taken out before anybody sees that. */
#ifndef ISTHMUS_SYNC_SECRET_H
#define ISTHMUS_SYNC_SECRET_H

#include "base/arena.h"

/* The text with "***" wherever the secret stands in it, in the arena; the text itself if it does not. An empty secret is none. */
struct view secret_hide(struct arena *arena, struct view text, struct view secret);

#endif
