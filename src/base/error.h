/* What the system says of an error, in the words that log readers know from CoreDNS. */
#ifndef ISTHMUS_BASE_ERROR_H
#define ISTHMUS_BASE_ERROR_H

/* "no such file or directory" for ENOENT: strerror() in lower case. In a buffer of the thread's
 * own, until the next call. */
const char *error_text(int number);

#endif
