package shared

const sysStatx = 291
