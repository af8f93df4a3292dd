# %% [markdown]
# # 3. One step as an outer product
#
# What does one letter change in a network? We take a single step, look at it as a matrix, and compare the step that
# the paper prints with the true gradient. The networks are narrow (40 and 100 hidden units), so that this takes
# seconds.

# %%
import matplotlib.pyplot as plt
import torch

import letterocr

letters = letterocr.letters("synthetic")
small = {
    "model": "three_layer",
    "model__hidden": [40],
    "model__temperature": 150,
    "model__init_scale": 0.1,
    "data": letters,
    "learning_rate": 0.02,
    "dtype": "float64",
    "engine": "reference",  # the plain engine: one outer product after another, and nothing to compile
    "order": "cyclic",
}
before = letterocr.fit(rule="printed", samples=0, **small).network.replica(0)
after = letterocr.fit(rule="printed", samples=1, **small).network.replica(0)

# %% [markdown]
# The network has two matrices, and a function $s$ after each one (15, 16):
#
# $$q = s(W_q \, s(W_h a + b_h) + b_q), \qquad s(x) = \frac{1}{1 + e^{-x/T}}$$
#
# With `order="cyclic"` the first sample is the first training letter. What did it change?

# %%
for name, old, new in zip(
    ("W_h", "W_q"), before.weights, after.weights, strict=True
):
    change = new - old
    values = torch.linalg.svdvals(change)
    print(
        f"{name}: {list(change.shape)}, rank {torch.linalg.matrix_rank(change)}, ",
        end="",
    )
    print(f"singular values {values[0]:.2g}, {values[1]:.0e}, ...")

# %% [markdown]
# **Both changes have rank one.** 36,000 weights of $W_h$ changed, and yet the change is a column times a row.
#
# ## The column and the row
#
# The row is the input of the layer. The column is its *error vector* $v$. For the outputs it is the error itself; for
# the hidden layer the error goes back through $W_q$ (19):
#
# $$v_q = q - c, \qquad v_h = W_q^T v_q$$
#
# and the update is (20, with the shapes mended)
#
# $$W_q \leftarrow W_q - \alpha \, v_q h^T, \qquad W_h \leftarrow W_h - \alpha \, v_h a^T$$

# %%
a = letters.train.images[:1].double()  # the first letter, as a row
a, h, q = before.forward(a)
c = torch.zeros_like(q)
c[0, letters.train.labels[0]] = 1
v_q = q - c
v_h = v_q @ before.weights[1]
step_q, step_h = v_q.T @ h, v_h.T @ a  # outer products

off = (after.weights[0] - (before.weights[0] - 0.02 * step_h)).abs().max()
print(f"our W_h and the package's differ by {off:.0e} at most")

# %%
fig, (left, right) = plt.subplots(
    1, 2, figsize=(9, 3), width_ratios=(1, 2), layout="constrained"
)
left.imshow(a.reshape(30, 30), cmap="gray_r")
left.set_title("the letter $a$, as a picture")
left.axis("off")
columns = a[0].nonzero()[:60, 0]  # the first inked pixels
limit = step_h.abs().max()
right.imshow(
    step_h[:, columns], cmap="RdBu", vmin=-limit, vmax=limit, aspect="auto"
)
right.set(title="a part of $v_h a^T$", xlabel="inked pixels", ylabel="hidden units")
plt.show()

# %% [markdown]
# **What you should see.** Stripes: every column is the same pattern $v_h$, times the ink of one pixel. That is what
# rank one looks like. Pixels without ink change nothing.
#
# The package uses this everywhere: it keeps the pair $(v, h)$, $40 + 900$ numbers, and not the $40 \cdot 900$ numbers
# of the matrix.
#
# ## Printed against gradient
#
# The gradient of the loss $\frac{1}{2} |q - c|^2$ has the derivative $s'$ in each error vector (17, 18):
#
# $$v_q = (q - c) \odot s'(\tilde q), \qquad v_h = W_q^T v_q \odot s'(\tilde h), \qquad s' = \frac{s (1 - s)}{T}$$
#
# The printed rule leaves $s'$ out. We let PyTorch compute the gradient, and compare.

# %%
weights = [w.clone().requires_grad_() for w in before.weights]
hidden = torch.sigmoid(a @ weights[0].T / 150)
loss = (torch.sigmoid(hidden @ weights[1].T / 150) - c).square().sum() / 2
gradients = torch.autograd.grad(loss, weights)

for name, step, gradient in zip(
    ("W_h", "W_q"), (step_h, step_q), gradients, strict=True
):
    cosine = (step * gradient).sum() / step.norm() / gradient.norm()
    length = step.norm() / gradient.norm()
    print(
        f"{name}: cosine of the angle {cosine:.4f}, the printed step is {length:,.0f} times as long"
    )

# %% [markdown]
# **Same direction, other length.** These weights are small, so that $s$ works near its middle, where
# $s' = 1/(4T) = 1/600$. The printed step is therefore about 600 times as long as the gradient in the output layer, and
# about $600^2 = 360,000$ times in the hidden layer. The temperature $T = 150$ hides two very different learning rates.
#
# What does it mean for learning? The same rate, the same start, two rules:

# %%
wide = {
    "model": "three_layer",
    "model__hidden": [100],
    "model__temperature": 150,
    "data": letters,
}
wide |= {"learning_rate": 1.0, "samples": 1500, "evaluate_every": 10}
printed = letterocr.fit(rule="printed", **wide)
exact = letterocr.fit(rule="gradient", **wide)

fig, ax = plt.subplots(figsize=(6, 3.2), layout="constrained")
printed.plot(ax, label="printed (19)")
exact.plot(ax, label="gradient (17, 18)")
ax.legend()
plt.show()
print(f"printed {printed.test_error:.0%}, gradient {exact.test_error:.0%} misread")

# %% [markdown]
# The printed rule learns. The gradient does not move at this temperature and rate: it would need steps hundreds of
# times as long.
#
# ## Three questions
#
# 1. Two letters, two steps: what is the largest rank that the sum of both changes can have? After how many letters can
#    $W_q$ have changed in every direction?
# 2. Repeat the comparison with `"model__init_scale": 3.0`, the default. The angles are no longer 0. Why?
# 3. Show with pen and paper that the printed $v_q h^T$ is the exact gradient of another loss: $T$ times the binary
#    cross-entropy between $q$ and $c$. (Use $s' = s(1-s)/T$.) Check it with `torch.autograd`.
