package shared

const sysStatx = 332
