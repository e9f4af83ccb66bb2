/*
 * DNS over HTTPS (RFC 8484) as one service for HTTP/1.1, HTTP/2 and HTTP/3: which requests carry a
 * DNS message, and what is answered to those that do not. Statuses and texts are CoreDNS's, but for
 * methods (405) and media types (415).
 */
#ifndef ISTHMUS_NET_DOH_H
#define ISTHMUS_NET_DOH_H

#include "net/http.h"

/*
 * What is served at /dns-query. 200 with the answer, its freshness in cache-control; 400 "invalid
 * request" for a request without a message, or with one that does not parse; 404, 405, 415; 500 "No
 * response" when the server gave no answer.
 */
extern const struct http_service doh_service;

#endif
