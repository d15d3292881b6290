/** How a channel of cards may be named. */
export const CHANNEL_NAME = /^[a-z0-9][a-z0-9-]{0,49}$/;

/** Where cards go that are nobody's in particular, and what could not be said elsewhere. */
export const COMMON_CHANNEL = 'common';
