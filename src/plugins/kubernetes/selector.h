/* Label selectors of Kubernetes: "app=x,tier in (a,b),!old". */
#ifndef ISTHMUS_PLUGINS_KUBERNETES_SELECTOR_H
#define ISTHMUS_PLUGINS_KUBERNETES_SELECTOR_H

#include "base/arena.h"

/* The selector in the form in which it is sent: requirements by key, values in order, no blanks. NULL with *why (in the arena). */
const char *kube_selector_parse(struct arena *arena, struct view text, const char **why);

#endif
