# %% [markdown]
# # 2. The alphabet matrix, its rank and the pseudo-inverse
#
# Can a network read without any training? For one matrix the answer is linear algebra. This lesson takes a few
# seconds.

# %%
import matplotlib.pyplot as plt

import letterocr

letters = letterocr.letters("synthetic")
A = letterocr.matrix.alphabet(letters.train)
print(A.shape)

# %% [markdown]
# Column $k$ of the *alphabet matrix* $A$ is the mean of all letters of class $k$: 26 typical letters side by side. A
# matrix $W$ that reads all of them must give the first unit vector for A, the second for B, and so on. In one equation
# (7):
#
# $$W A = I$$
#
# The unit matrix is factored into two matrices. $A$ is known, so we look for its left inverse. If the columns of $A$
# are independent, it is (8)
#
# $$W = (A^T A)^{-1} A^T$$
#
# This is the *pseudo-inverse* of $A$, and of all left inverses it has the smallest sum of squares.

# %%
inverse = letterocr.matrix.left_inverse(A)
W = inverse.pinv
print(f"rank of A: {inverse.rank}")
print(f"largest entry of W A - I: {inverse.pinv_error:.0e}")

# %% [markdown]
# The rank is 26: no letter is exactly a sum of others. So $W$ reads all 26 typical letters without an error. Now the
# 520 letters of the test, which are not typical:

# %%
reading = letterocr.matrix.read_letters(W, letters.test)
print(f"{reading.error:.0%} of the test letters are misread")

# %% [markdown]
# **59 % are misread**, although $W A = I$ holds to 14 digits. One of them (compare Fig. 3 of the paper):

# %%
worst = reading.confusions[0]
place = worst.examples[0]
fig, (left, right) = plt.subplots(
    1, 2, figsize=(8, 2.4), width_ratios=(1, 3), layout="constrained"
)
left.imshow(letters.test.images[place].reshape(30, 30), cmap="gray_r")
left.set_title(f"{worst.truth}, read as {worst.read}")
left.axis("off")
right.bar(list(letters.test.alphabet), reading.outputs[place])
right.axhline(1, color="grey", linewidth=0.8)
right.set(ylabel="output")
plt.show()

# %% [markdown]
# The right output should be 1 and all others 0. Instead there are several spikes. To see why, look at the singular
# values.
#
# ## Singular values
#
# Every matrix is a sum of outer products, ordered by their size (13):
#
# $$A = \sum_{i=1}^{26} \sigma_i u_i v_i^T, \qquad \sigma_1 \geq \sigma_2 \geq \dots$$

# %%
values = letterocr.matrix.singular_values(A)
fig, ax = plt.subplots(figsize=(6, 3), layout="constrained")
ax.semilogy(range(1, 27), values, "o-")
ax.set(
    xlabel="number $i$", ylabel=r"singular value $\sigma_i$", title="compare Fig. 5"
)
plt.show()

# %%
ranks = letterocr.matrix.effective_ranks(A)
print(
    f"condition number, the largest divided by the smallest: {inverse.condition:.0f}"
)
print(
    f"{ranks.energy_90} singular values hold 90 % of the sum of squares, {ranks.energy_99} hold 99 %"
)

# %% [markdown]
# The first value is 75 times the last. $W$ has the inverse values: it divides each direction by $\sigma_i$. Along the
# last directions the typical letters hardly differ, and there $W$ amplifies most. A new letter that differs a little
# from the typical one gets a large error.
#
# So the *numerical* rank is 26, but 90 % of the sum of squares is in 5 directions. How many do we need to read a
# letter? We keep the first $r$ terms of the sum:

# %%
fig, axes = plt.subplots(1, 7, figsize=(9, 1.7), layout="constrained")
for ax, r in zip(axes, (1, 2, 3, 5, 8, 13, 26), strict=True):
    B = letterocr.matrix.reconstruct(A, r)[:, 1]
    ax.imshow(B.reshape(30, 30), cmap="gray_r", vmin=0, vmax=1)
    ax.set_title(f"r = {r}")
    ax.axis("off")
plt.show()

# %%
print(letterocr.matrix.readable_ranks(A).sort().values.tolist())

# %% [markdown]
# The list says for each letter from which $r$ on its picture is more like itself than like any other letter. The paper
# says that letters are readable from about 5 (Fig. 4). Here the one in the middle needs 4, the last one 9.
#
# ## Letter arithmetic
#
# The columns are independent, but not by much. Some letters are nearly sums and differences of others (9):

# %%
for relation in letterocr.matrix.search(A, count=3):
    print(f"{relation.text}, {relation.residual:.0%} off")

# %% [markdown]
# Take an F, add an I and remove the T: something like an E is left. A linear network that reads F, I and T gives for
# *that* picture the outputs of F plus I minus T, whatever its weights are. The nearer the picture is to an E, the
# harder it is to read the E.
#
# ## Three questions
#
# 1. The network of lesson 1 has the same form, $q = W a$, and misreads only about 30 %. What did it see that $A$ does
#    not contain?
# 2. Set the singular values above the tenth to zero:
#    `W = torch.linalg.pinv(letterocr.matrix.reconstruct(A, 10), rtol=1e-6)`. It no longer reads the typical letters
#    perfectly. What about the test letters?
# 3. A bias adds a row of ones to $A$ (12): `letterocr.matrix.with_ones(A)`. Can it mend a relation in which the
#    coefficients on the left sum to one, such as F + I - T = E?
