// CaffeTestSupport
