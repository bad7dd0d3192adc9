// CaffeSolverTests
