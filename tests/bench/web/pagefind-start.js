/** @file Opens Pagefind's default interface, as its documentation says. */

addEventListener("DOMContentLoaded", () => new PagefindUI({ element: "#search" }));
