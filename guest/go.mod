module lms-computer/guest

go 1.25
