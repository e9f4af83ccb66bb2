/* Parameters of URLs and of forms (application/x-www-form-urlencoded). */
#ifndef ISTHMUS_SYNC_URL_H
#define ISTHMUS_SYNC_URL_H

#include "base/text.h"

/* Adds "name=value", the value percent-encoded, to a URL: behind "?" for the first one, behind "&" for others. */
void url_add_parameter(struct text *url, const char *name, struct view value);

/* The same for a form, which is nothing but parameters. */
void form_add(struct text *form, const char *name, struct view value);

/* Scheme, host and port, as written: "https://example.org:8443". Empty if it is no URL of http or https with a host. */
struct view url_origin(struct view url);

/* The host of an origin, without user, port and the brackets of an IPv6 address. */
struct view url_host(struct view url);

#endif
