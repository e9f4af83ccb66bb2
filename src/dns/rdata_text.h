/* The presentation form of fields that have a text of their own; for rdata_print.c. */
#ifndef ISTHMUS_DNS_RDATA_TEXT_H
#define ISTHMUS_DNS_RDATA_TEXT_H

#include "base/text.h"
#include "dns/reader.h"

/*
 * Each adds the field that r stands at, and passes over it. False if the octets have no
 * presentation form: what has been added is then to be taken back.
 */
bool text_add_loc(struct text *t, struct reader *r);

/* To the end of the rdata, a blank before each part but the first. */
bool text_add_apl(struct text *t, struct reader *r);

/* To the end of the rdata, a blank before each parameter. */
bool text_add_svc_params(struct text *t, struct reader *r);

#endif
