"""The gradient check: analytic gradients of modules, functions and custom autograd functions against central differences, in
float64, every element, with the kind of slip named where they differ.

    checking      the check of a pure function of tensors
    comparing     element by element; kinks and unresolved elements are set aside
    differences   central differences with error bars
    evaluation    the function at many points, batched
    conditions    the same random numbers, float64, custom functions by their forward
    kinks         which side wins at each ReLU, maximum, comparison
    slips         what kind of mistake explains a difference; `case` and `truth` are what they are told from
    functions     modules and callables as pure functions
    layers        check_gradients, for a person who writes a layer
    steps         the custom functions of a recorded step, each by itself
    whole         a recorded step as a whole
    report        what is found, as plain data
"""
