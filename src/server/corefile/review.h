/* What is legal in a Corefile and surely unmeant: the warnings of `isthmus check`. */
#ifndef ISTHMUS_SERVER_COREFILE_REVIEW_H
#define ISTHMUS_SERVER_COREFILE_REVIEW_H

#include "server/corefile.h"

void corefile_review(const struct corefile *corefile, struct complaints *c);

#endif
