// CaffeSolver
